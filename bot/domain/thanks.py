"""Words that end a conversation politely and ask for nothing.

A wrong guess loses nothing: thanks are shown to the attendants as well, below the closed card, and
other words reopen the conversation. So what can be read both ways is no thanks.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from bot.domain.search import fold

WITHIN: Final = timedelta(hours=12)
"""For so long after the closing thanks open nothing, also where no message reopens."""

_WORD: Final = re.compile(r"[^\W_]+")
_TWICE: Final = re.compile(r"(.)\1+")
_SMILES: Final = re.compile(r"[:;=]-?[)dp](?!\w)|<3+(?!\w)|\(:", re.IGNORECASE)
# "kkkk", "rsrs", "haha": laughter asks for nothing.
_LAUGHTER: Final = re.compile(r"k|(?:rs)+|(?:ha|he|hi|hua)+h?")
# A long text says more than thanks, whatever its words.
_MOST_WORDS: Final = 25
_LONGEST_PHRASE: Final = 5
_COMPLAINING: Final = frozenset(
    "👎😡🤬😠😤😢😭💔😞😔😟🙁☹😕😫😩😖😣😒🙄🤔🤨😐😑😱😨😰🤦🤷🖕💩🤮🤢🆘❌⛔🚫🚨🐌❓❔❗❕‼⁉⚠⏳⌛⏰👀📞☎"
)


def _words(text: str) -> list[str]:
    """Return the words for comparison, with repeated letters once: "valeuuu" is "valeu"."""
    return [_TWICE.sub(r"\1", word) for word in _WORD.findall(fold(text))]


def _phrases(*lines: str) -> frozenset[tuple[str, ...]]:
    """Return the phrases of the lines, which commas separate, in the form of `_words`."""
    return frozenset(tuple(_words(one)) for line in lines for one in line.split(","))


_THANKS: Final = _phrases(
    "obrigado,obrigada,obg,obgd,obgda,obgdo,obgado,obgada,obrigadu,brigadu,obrigadinho,"
    "obrigadinha,obrigadao,obrigadissimo,obrigadissima,brigadinho,brigadinha,brigadao,grato,"
    "grata,gratidao,agradecido,agradecida,agradecidos,agradecemos,agradeco,thanks,thank you,thx,"
    "tks,gracias",
    "obrigado de novo,obrigada de novo,obrigado novamente,obrigada novamente,"
    "novamente obrigado,novamente obrigada,mais uma vez obrigado,mais uma vez obrigada",
    "valeu,vlw,vlws,valew,vleu,tmj,tamo junto,tamos junto,estamos juntos,e nois,eh nois",
    "deus abencoe,deus te abencoe,deus lhe abencoe,deus lhe pague,deus te pague,fica com deus,"
    "fique com deus,fiquem com deus,amem",
)
_CLOSINGS: Final = _phrases(
    "ok,okay,okey,oks,okei,blz,blza,bele,beleza,belezinha,certo,certinho,joia,legal,show,"
    "show de bola,top,perfeito,perfeita,maravilha,otimo,otima,excelente,massa,bacana,fechado,"
    "fechou,combinado,tranquilo,suave,entendi,entendido,compreendi,ciente,anotado,bom demais,"
    "muito bom,muito boa,ta bom,ta bem,ta otimo,ta certo,ta ok,ta joia,ta,taok,tabom,esta bom,"
    "esta bem,esta certo,tudo certo,tudo ok,td certo,td ok,tudo resolvido,tudo em ordem",
    "deu certo,deu tudo certo,resolvido,resolvida,funcionou,agora foi,consegui,recebido,era isso,"
    "era so isso,so isso,so isso mesmo,e so isso,e so,isso e tudo,nada mais,mais nada,"
    "por enquanto e so,por hoje e so,sem mais,de nada,por nada,disponha,imagina,nao ha de que,"
    "igualmente,pode encerrar,pode fechar,pode finalizar,nao precisa,nao precisa mais,"
    "nao preciso de mais nada,nao tenho mais duvidas,nao tenho duvidas,nao e so isso,nao so isso,"
    "nao era so isso,nao por enquanto",
    "tchau,xau,tchauzinho,ate,ate mais,ate logo,ate breve,ate amanha,ate a proxima,falou,flw,fui,"
    "abraco,abracos,abs,beijo,beijos,bj,bjs,bjo,bjos,bjus,atenciosamente,bom trabalho,"
    "bom descanso,bom feriado,bom almoco,bom fim de semana,bom final de semana,bom fds,"
    "boa semana,otimo trabalho,otimo dia,otima tarde,otima noite,otima semana,otimo fds,"
    "otimo fim de semana,otimo final de semana,excelente dia,excelente tarde,excelente noite,"
    "excelente semana,feliz natal,feliz ano novo,boas festas,feliz pascoa",
)
_GREETINGS: Final = _phrases("oi,oie,ola,opa,bom dia,boa tarde,boa noite,e ai,tudo bem,td bem")
_NEUTRAL: Final = _GREETINGS | _phrases(
    "muito,muita,muitas,muitos,mto,mt,mta,muchas,mil,super,demais,mesmo,mesma,desde ja,entao,viu,"
    "ne,sim,isso,isso mesmo,isso ai,ah,e,eu,a,o,um,uma,grande,tenha,tenham,dia,tarde,noite,"
    "tambem,tbm,tb,pra,para,ja,agora,aqui,recebi,chegou,voltou,normalizou",
    "voce,voces,vc,vcs,ti,te,lhe,todos,todas,equipe,pessoal,gente,galera,time,amigo,amiga,amigos,"
    "amg,querido,querida,queridos,linda,lindo,flor,anjo,moco,moca,mano,brother,bro,chefe,mestre,"
    "patrao,irmao,parceiro,parca,senhor,senhora,sr,sra,dona,seu,meu,minha,caro,cara",
)
# Only behind thanks: "suporte, obrigado" asks for something.
_THANKED_FOR: Final = _phrases(
    "por,pela,pelo,pelas,pelos,de,do,da,de verdade,de coracao,ao,aos,as,tudo,toda,todo,me,nos,"
    "ajuda,ajudar,ter ajudado,atencao,atender,atendimento,retorno,paciencia,apoio,suporte,"
    "informacao,informacoes,esclarecimento,esclarecimentos,orientacao,resposta,resolver,solucao,"
    "rapidez,agilidade,gentileza,cuidado,carinho,disponibilidade,disposicao,forca,servico,"
    "prontidao,bom,boa,rapido,rapida,imensamente",
)
_KNOWN: Final = _THANKS | _CLOSINGS | _NEUTRAL | _THANKED_FOR
_OBRIGADO: Final = ("obrigado",)
# One slip of the fingers from these is meant as thanks: "obrigdo", "orbigada".
_MEANT: Final = ("obrigado", "obrigada", "brigado", "brigada")


def is_thanks(text: str, *, names: Iterable[str] = ()) -> bool:
    """Return True if the text says thanks, "all right" or goodbye, and no word more.

    names: of the people in the conversation, who may be addressed or sign. A text of emoji alone
    counts, unless one of them complains. A question or a number never does.
    """
    plain = _SMILES.sub(" ", text)
    if any(c in "?¿" or c.isdecimal() or c in _COMPLAINING for c in plain):
        return False
    words = _words(plain)
    if not words:
        # "…" and "!!!" alone say that somebody waits.
        return plain != text or any(unicodedata.category(c) == "So" for c in plain)
    if len(words) > _MOST_WORDS:
        return False
    return _end_a_talk(words, {word for name in names for word in _words(name)})


def _end_a_talk(words: list[str], names: set[str]) -> bool:
    if words[0] == "nao" and _first(words[1:], names) in _THANKS:
        words = words[1:]  # "não, obrigada", but never "não funcionou, obrigada"
    begins_anew = _first(words, names) in _GREETINGS
    thanked = closed = False
    while words:
        phrase = _first(words, names)
        if phrase is None or (phrase in _THANKED_FOR and not thanked):
            return False
        thanked = thanked or phrase in _THANKS
        closed = closed or phrase in _CLOSINGS
        words = words[len(phrase) :]
    # "bom dia, blz" begins a conversation.
    return thanked or (closed and not begins_anew)


def _first(words: list[str], names: set[str]) -> tuple[str, ...] | None:
    """Return the longest phrase with which the words begin, or None if they begin otherwise."""
    for length in range(min(_LONGEST_PHRASE, len(words)), 0, -1):
        if (phrase := tuple(words[:length])) in _KNOWN:
            return phrase
    if not words:
        return None
    if any(_is_slip(words[0], meant) for meant in _MEANT):
        return _OBRIGADO
    if _LAUGHTER.fullmatch(words[0]):
        return ("legal",)
    return (words[0],) if words[0] in names else None


def _is_slip(typed: str, meant: str) -> bool:
    """Return True if one letter is missing, added, changed, or has changed places."""
    same = 0
    while same < min(len(typed), len(meant)) and typed[same] == meant[same]:
        same += 1
    left, right = typed[same:], meant[same:]
    return (
        left[1:] == right[1:]
        or left == right[1:]
        or left[1:] == right
        or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )
