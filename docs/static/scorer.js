// What the search of the site puts first: a page whose title is searched for, then pages for users,
// before pictures, decisions and changes. All numbers but those of `score` are Sphinx's own.
var Scorer = {
  score: ([page, , anchor, , score, , kind]) => {
    if (kind === "title" && !anchor) return score + 15;
    if (/^(how-to|tutorials|concepts)\//.test(page)) return score + 8;
    return /^(auto_gallery|decisions|project)\//.test(page) ? score - 8 : score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
