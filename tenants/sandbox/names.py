"""The names of a company's people and the addresses made of them, each computed from a number and back
again.
"""

import math
import re
import zlib
from collections.abc import Iterator

# "Display" or "Display=token": the token is what the address is made of. Tokens are unique within each list.
_FIRST = """
Ada Ann Ben Bo Carla Cy Dana Dev Eli Eva Finn Fay Gus Gwen Hana Hugo Ida Ivan Jane Jon Kai Kim
Lara Leo Maya Max Nina Noor Omar Ola Pia Paul Quinn Rosa Raj Sam Suki Tara Tom Uma Vera Vik Wade
Wei Xena Yara Yusuf Zoe Zane José=jose Zoë-Marie=zoemarie Björn=bjorn Søren=soren Renée=renee
Chloé=chloe Łukasz=lukasz Žofia=zofia Núria=nuria Jürgen=juergen François=francois Siân=sian
Aoife Caoimhe Mary-Kate=marykate Jean-Luc=jeanluc Anne-Sophie=annesophie D'Angelo=dangelo
Nguyễn=nguyen İpek=ipek محمد=mohammed فاطمة=fatima דוד=david שרה=sarah 美咲=misaki 伟=weiming
Дмитрий=dmitri Ольга=olga Ελένη=eleni Priya Arjun Kwame Amara Chidi Ngozi Thabo Lindiwe Mateo
Lucía=lucia Thiago Beatriz Giulia Marco Ingrid Lars Aino Mikko Katarzyna Piotr Ilona Bence Radu
Ioana Emre Leyla Hiroshi Yuki Jiho Minseo Oluwaseun-Adebayo=oluwaseunadebayo
Maximiliane-Alexandra=maximilianealexandra
""".split()
_LAST = """
Lovelace Lee Adams Baker Carter Diaz Evans Fischer Garcia Hughes Ito Jensen Khan Lopez Moore
Nowak Olsen Patel Quist Rossi Silva Turner Ueda Vargas Walsh Xu Young Zimmer O'Brien=obrien
O'Connor=oconnor MacDonald=macdonald McKenzie=mckenzie Müller=mueller Schäfer=schaefer
Groß=gross Żak=zak Kovács=kovacs Dvořák=dvorak Åberg=aberg Øster=oster Çelik=celik Ibáñez=ibanez
Peña=pena Gonçalves=goncalves Lefèvre=lefevre Brûlé=brule Strauß=strauss Smith-Jones=smithjones
García-Márquez=garciamarquez van_der_Berg=vanderberg de_la_Cruz=delacruz
von_Habsburg=vonhabsburg al-Farsi=alfarsi بن_علي=benali الحسن=alhassan כהן=cohen לוי=levi
田中=tanaka 王=wang Петров=petrov Παππάς=pappas Abbott Acheson Ahmed Alvarez Andersen Archer Banda
Barnes Becker Bell Bianchi Blake Bose Brandt Byrne Campos Chan Chopra Clarke Cole Costa Cruz
Dahl Das Dlamini Doyle Dubois Eriksen Farah Ferrari Flores Fox Franco Gill Gomez Grant Gupta
Haas Hale Hansen Hart Hayes Holm Horvat Huang Hunt Iqbal Jansen Joshi Juarez Kaur Keane Kelly
Kim Klein Kumar Lang Larsen Levy Lind Malik Mann Marsh Mendes Meyer Mills Mishra Mori Mwangi
Nair Nash Nunez Nyong Obi Okafor Ortiz Osei Page Park Perez Pham Popa Price Rao Reid Reyes Riley
Roy Ruiz Sato Shah Shaw Singh Soto Stone Suzuki Tan Tran Vance Vega Wolf Wong Wood Yadav Zhou
Wolfeschlegelsteinhausen-Featherstonehaugh-Cholmondeley=wolfeschlegel
""".split()

_LOCAL = re.compile(r"([a-z]+)\.([a-z]+?)(\d*)")
_NUMBERED = re.compile(r"(?:room|group|desk|svc)\.(\d+)")
# What the odd spellings of an address (see addresses.py) are folded back to before the name in it is read.
_PLAIN = str.maketrans({"\u200b": None, "а": "a", "о": "o", "е": "e", "і": "i"})


def _parse(words: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for word in words:
        display, _, token = word.partition("=")
        pairs.append((display.replace("_", " "), token or display.lower()))
    return pairs


FIRST = _parse(_FIRST)
LAST = _parse(_LAST)
_PAIRS = len(FIRST) * len(LAST)
_FIRST_AT = {token: at for at, (_, token) in enumerate(FIRST)}
_LAST_AT = {token: at for at, (_, token) in enumerate(LAST)}


class NameBook:
    """Person number ↔ name. Within each round of all combinations every name occurs once; later rounds are
    numbered.
    """

    def __init__(self, seed: int) -> None:
        mixed = zlib.crc32(b"names %d" % seed)
        self._step = next(
            s for s in range(mixed % _PAIRS | 1, 2 * _PAIRS + 99, 2) if math.gcd(s, _PAIRS) == 1
        )
        self._start = mixed // 7 % _PAIRS
        self._back = pow(self._step, -1, _PAIRS)

    def at(self, person: int, *, twin: bool = False) -> tuple[str, str, str, str, str]:
        """Given name, family name, their tokens, and the number that tells namesakes apart ("" for the
        first).
        """
        cycle, within = divmod(person, _PAIRS)
        last, first = divmod((within * self._step + self._start) % _PAIRS, len(FIRST))
        given, given_token = FIRST[(first + 1) % len(FIRST) if twin else first]
        family, family_token = LAST[last]
        return given, family, given_token, family_token, str(cycle + 1) if cycle else ""

    def owners(self, email: str) -> Iterator[int]:
        """The few persons whose address this may be; the caller compares with the real ones."""
        local = email.strip().lower().partition("@")[0].translate(_PLAIN).partition("+")[0]
        if numbered := _NUMBERED.fullmatch(local):
            yield int(numbered[1])
        elif parts := _LOCAL.fullmatch(local):
            for given, family in ((parts[1], parts[2]), (parts[2], parts[1])):
                if given in _FIRST_AT and family in _LAST_AT:
                    place = _LAST_AT[family] * len(FIRST) + _FIRST_AT[given]
                    cycle = int(parts[3] or 1) - 1
                    yield cycle * _PAIRS + (place - self._start) * self._back % _PAIRS
