"""What the lines say: machine-readable lines of made-up people, and strings with no sense at all.

The senseless ones keep the network from learning which letter is likely after which: it shall read, not guess.
"""

import numpy

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
ALPHABET = DIGITS + LETTERS + "<"

STATES = """DOM HTI USA ESP FRA ITA DEU< PRT GBR MEX COL VEN ARG CHL PER CUB BRA CAN CHN JPN KOR RUS UKR POL CZE SVK HUN ROU
BGR GRC TUR ISR EGY MAR DZA TUN NGA GHA KEN ZAF IND PAK BGD LKA THA VNM PHL IDN MYS SGP AUS NZL CHE AUT BEL NLD LUX DNK
NOR SWE FIN EST LVA LTU IRL ISL MLT CYP HRV SVN SRB BIH MNE MKD ALB GEO ARM AZE KAZ UZB UTO XXA XXB XXC RKS UNO QAT ARE
SAU KWT OMN JOR LBN IRQ IRN AFG NPL MMR KHM LAO MNG TWN HKG MAC""".split()

ONSETS = "B C CH D F G GU H J K L LL M N NG P PH QU R RR S SCH SH ST T TH TR V W X Y Z Z".split()
VOWELS = "A A A E E E I I O O U U Y AI AU EI IE OU".split()
CODAS = [""] * 10 + "N N R S S L M D T K X Z RT NS CK".split()


def check_digit(text: str) -> str:
    """ICAO Doc 9303-3, 4.9: weights 7, 3, 1."""
    return str(sum((7, 3, 1)[place % 3] * (ALPHABET.index(letter) % 36) for place, letter in enumerate(text)) % 10)


def line(rng: numpy.random.Generator, length: int) -> str:
    """One line of exactly `length` characters."""
    kind = rng.random()
    if kind < 0.25:
        text = _senseless(rng, length)
    elif kind < 0.6:
        text = _names(rng, length)
    else:
        text = _data(rng, length)
    return text[:length].ljust(length, "<")


def _pick(rng, options):
    return options[int(rng.integers(len(options)))]


def _some(rng, alphabet: str, count: int) -> str:
    return "".join(alphabet[i] for i in rng.integers(len(alphabet), size=count))


def _name(rng) -> str:
    if rng.random() < 0.15:
        return _some(rng, LETTERS, int(rng.integers(2, 10)))
    parts = (_pick(rng, ONSETS) + _pick(rng, VOWELS) + _pick(rng, CODAS) for _ in range(int(rng.integers(1, 4))))
    return "".join(parts)


def _names(rng, length: int) -> str:
    surname = "<".join(_name(rng) for _ in range(int(rng.integers(1, 3))))
    given = "<".join(_name(rng) for _ in range(int(rng.integers(1, 4))))
    names = f"{surname}<<{given}"
    if length == 30 or rng.random() < 0.15:
        return names
    return _pick(rng, ["P<", "P<", "PD", "PP", "V<", "I<", "ID", "AC", "C<"]) + _pick(rng, STATES).ljust(3, "<")[:3] + names


def _date(rng) -> str:
    return f"{rng.integers(100):02}{rng.integers(1, 13):02}{rng.integers(1, 32):02}"


def _number(rng) -> str:
    kind = rng.random()
    if kind < 0.5:
        return _some(rng, DIGITS, 9)
    if kind < 0.8:
        letters = int(rng.integers(1, 4))
        return _some(rng, LETTERS, letters) + _some(rng, DIGITS, 9 - letters)
    return _some(rng, DIGITS + LETTERS, 9)


def _data(rng, length: int) -> str:
    number, state = _number(rng), _pick(rng, STATES).ljust(3, "<")[:3]
    born, until = _date(rng), _date(rng)
    optional = _pick(rng, ["", _some(rng, DIGITS, 11), _some(rng, DIGITS + LETTERS, int(rng.integers(1, 14)))])
    dates = born + check_digit(born) + _pick(rng, "MF<") + until + check_digit(until)
    if length == 30 and rng.random() < 0.5:
        kind = _pick(rng, ["I<", "ID", "AC", "C<", "IP", "A<"])
        return kind + state + number + check_digit(number) + optional.ljust(15, "<")[:15]
    if length == 30:
        return dates + state + optional.ljust(11, "<")[:11] + _some(rng, DIGITS, 1)
    middle = number + check_digit(number) + state + dates
    return middle + optional.ljust(length - 29, "<")[:length - 29] + _some(rng, DIGITS, 1)


def _senseless(rng, length: int) -> str:
    """Runs of letters, of digits, of both and of fillers."""
    text = ""
    while len(text) < length:
        text += _some(rng, _pick(rng, [LETTERS, DIGITS, LETTERS + DIGITS, "<", ALPHABET]), int(rng.integers(1, 9)))
    return text
