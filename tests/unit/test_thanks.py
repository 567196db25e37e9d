"""Thanks and goodbyes are told from words that want something."""

import pytest

from bot.domain.thanks import is_thanks

NAMES = ("Caio Souza", "Ana Beatriz")


@pytest.mark.parametrize(
    "text",
    [
        *("obrigado", "Obrigada!", "obrigadaaa", "OBRIGADOOO!!!", "muito obrigada 🙏", "brigado"),
        *("obg", "mto obg", "obrigdo", "orbigada", "obrigadp", "obrigad", "brigadão", "Grato."),
        *("valeu", "valeuuu", "vlw", "vlw flw", "tmj", "tamo junto 👊", "blz", "beleza", "Okkk"),
        *("ok", "Ok, obrigado.", "tá bom", "Tá bom então, obrigada viu", "show de bola", "certo"),
        *(
            "👍",
            "👍🏽",
            "🙏",
            "🙏🏽🙏🏽",
            "❤️",
            "😊👏",
            ":)",
            "<3",
            "kkkk",
            "valeu kkk",
            "✅",
            "👨‍👩‍👧",
        ),
        *("não, obrigada", "Nao obg", "não precisa mais, obrigada", "era só isso mesmo, obrigado"),
        *("obrigada pela ajuda", "Muito obrigado pelo atendimento e pela paciência!"),
        *("obrigada por tudo, boa noite", "boa tarde, obrigada", "Tchau, até mais", "de nada"),
        *("obrigada, Caio!", "Valeu Caio, abraço", "Obrigada. Ana", "obrigado a todos"),
        *("deu certo, obrigada", "agora voltou, valeu!", "funcionou", "Deus abençoe", "amém"),
        *("tenha um ótimo dia", "bom final de semana!", "igualmente", "obrigada de novo"),
        *("só isso", "pode encerrar", "perfeito 👏👏", "entendi, obrigado", "thank you"),
    ],
)
def test_thanks(text: str):
    assert is_thanks(text, names=NAMES)


@pytest.mark.parametrize(
    "text",
    [
        *("obrigado, mas ainda está lento", "obrigada! e a segunda via?", "ok?", "obrigada???"),
        *("não funcionou, obrigada", "consegui não, obrigada", "não ok", "não", "sim", "isso"),
        *("boa noite", "bom dia", "oi", "oi, tudo bem", "bom dia, blz", "olá, beleza"),
        *("👎", "😡", "obrigado 😡", "😭", "❓", "…", "!!!", ".", "", "  ", "📞"),
        *("ok, meu cpf é 390.533.447-05", "obrigado 2", "1️⃣", "valeu, quando vem o técnico"),
        *("caiu de novo", "voltou o problema, obrigado", "suporte, obrigado", "me ajudar"),
        *("atendimento", "ok, aguardo retorno", "ok, e agora vou ficar sem internet"),
        *("obrigada por nada, atendimento péssimo", "valeu a pena reclamar", "Caio", "Caio!"),
        *("https://exemplo.com.br", "ok " * 26, "obrigado, Marlene", "resolveu", "já resolveu"),
        *("não valeu de nada essa visita", "certo, então manda o boleto", "por gentileza"),
    ],
)
def test_what_wants_something_or_may_want_it(text: str):
    assert not is_thanks(text, names=NAMES)
