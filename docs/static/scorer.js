// What the search of the site puts first: pages for users, before decisions and changes.
// All numbers but those of `score` are Sphinx's own.
var Scorer = {
  score: ([page, , , , score]) => {
    if (/^(how-to|tutorials|concepts)\//.test(page)) return score + 8;
    return /^(auto_gallery|contributing|decisions|project)\//.test(page) ? score - 8 : score;
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
