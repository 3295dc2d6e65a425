"""The sentences of worksheets and of their marks, in each language."""

from __future__ import annotations

from typing import Any

from spel.errors import ParameterError

LANGUAGES = ("en", "pt")

_WORDS: dict[str, tuple[str, str]] = {
    "worksheet": ("Worksheet", "Folha de exercícios"),
    "name": ("Name", "Nome"),
    "question": ("Question {n}", "Questão {n}"),
    "exercise": ("Exercise", "Exercício"),
    "studio": ("In the studio: {address}", "No estúdio: {address}"),
    "number": ("a number", "um número"),
    "letter": ("a letter: {letters}", "uma letra: {letters}"),
    "array": (
        "an array of rows and columns, then channels if there are several",
        "um array de linhas e colunas e, se houver vários, canais",
    ),
    "how.notebook": (
        "Replace None by your answers, run all cells, save the notebook and hand it in. "
        "Your teacher marks it with: spel lesson check FILE",
        "Troque None pelas suas respostas, execute todas as células, salve o notebook e "
        "entregue-o. Quem ensina corrige com: spel lesson check FILE",
    ),
    "how.page": (
        "Fill in the answers, press the button at the end and hand in the saved file. Your teacher "
        "marks it with: spel lesson check FILE",
        "Preencha as respostas, aperte o botão no fim e entregue o arquivo salvo. Quem ensina "
        "corrige com: spel lesson check FILE",
    ),
    "rows": (
        "One row on each line, numbers separated by blanks. An empty line before the next channel "
        "or image.",
        "Uma linha da imagem em cada linha, números separados por espaços. Uma linha vazia antes "
        "do próximo canal ou imagem.",
    ),
    "save": ("Save the answers", "Salvar as respostas"),
    "given": ("The numbers", "Os números"),
    "look": (
        "The network and the image of question {n}, if you want to look numbers up:",
        "A rede e a imagem da questão {n}, se quiser consultar os números:",
    ),
    "right": ("right", "certo"),
    "wrong": ("wrong", "errado"),
    "missing": ("not answered", "sem resposta"),
    "not run": (
        "the cell was not run; run all cells and save the notebook",
        "a célula não foi executada; execute todas e salve o notebook",
    ),
    "no cell": (
        "its cell was removed or changed; take it from a fresh worksheet",
        "a célula foi removida ou alterada; copie-a de uma folha nova",
    ),
    "large": ("{given} is too large", "{given} é grande demais"),
    "small": ("{given} is too small", "{given} é pequeno demais"),
    "no number": ("{given} is no number", "{given} não é um número"),
    "no letter": (
        "{given} is none of the letters {letters}",
        "{given} não é nenhuma das letras {letters}",
    ),
    "no array": ("it is no array of numbers", "não é um array de números"),
    "not finite": ("it holds NaN or infinity", "contém NaN ou infinito"),
    "shape": ("shape {given}; expected {expected}", "forma {given}; esperada {expected}"),
    "as mistake": ("it is the result {mistake}", "é o resultado {mistake}"),
    "differ": (
        "{n} of {m} values differ, the first at {at}: {given}; expected {expected}",
        "{n} de {m} valores diferem, o primeiro em {at}: {given}; esperado {expected}",
    ),
    "differ border": (
        "{n} of {m} values differ, all where the window leaves the image, the first at {at}: "
        "{given}; expected {expected}",
        "{n} de {m} valores diferem, todos onde a janela sai da imagem, o primeiro em {at}: "
        "{given}; esperado {expected}",
    ),
    "border": ("with the border “{border}”", "com a borda “{border}”"),
    "border.stride": (
        "with the border “{border}” and a stride of {stride}",
        "com a borda “{border}” e stride {stride}",
    ),
    "stride": ("with a stride of {stride}", "com stride {stride}"),
    "flipped": ("of a flipped kernel", "de um kernel refletido"),
    "no bias": ("without the bias", "sem o bias"),
    "no activation": ("without the activation", "sem a ativação"),
    "transposed": ("with rows and columns exchanged", "com linhas e colunas trocadas"),
    "channels first": (
        "with all spels of one channel before the next channel",
        "com todos os spels de um canal antes do canal seguinte",
    ),
    "turned window": (
        "of a window with width and height exchanged",
        "de uma janela com largura e altura trocadas",
    ),
    "full count": (
        "divided by all spels of the window, also those outside of the image",
        "dividido por todos os spels da janela, também os de fora da imagem",
    ),
    "border.zero": ("zero", "zero"),
    "border.edge": ("nearest spel", "spel mais próximo"),
    "border.reflect": ("mirrored", "espelhada"),
    "border.symmetric": ("mirrored with the edge", "espelhada com a margem"),
    "border.wrap": ("from the other side", "do outro lado"),
    "border.valid": ("only windows inside", "só janelas dentro"),
    "border.inside": ("only spels inside", "só spels dentro"),
    "score": ("{n} of {m} right", "{n} de {m} certas"),
}


def checked_language(language: str) -> str:
    """The language, if worksheets have it."""
    if language not in LANGUAGES:
        raise ParameterError(f"language {language!r:.20}; expected {' or '.join(LANGUAGES)}")
    return language


def say(language: str, key: str, **values: Any) -> str:
    """A sentence in a language.

    Examples
    --------
    >>> say("pt", "score", n=2, m=3)
    '2 de 3 certas'
    """
    return _WORDS[key][LANGUAGES.index(language)].format(**values)
