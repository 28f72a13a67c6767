"""Company and person names that look real and belong to nobody."""

from dataclasses import dataclass
from random import Random
from unicodedata import combining, normalize


@dataclass(frozen=True, slots=True)
class _Style:
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    trades: tuple[str, ...]
    forms: tuple[str, ...]
    first_names: tuple[str, ...]
    cities: tuple[tuple[str, str], ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _style(
    *, starts: str, ends: str, trades: str, forms: str, first_names: str, cities: str
) -> _Style:
    places = tuple(place.rsplit(" ", 1) for place in cities.split("|"))
    return _Style(
        starts=_words(starts),
        ends=_words(ends),
        trades=tuple(trades.split("|")),
        forms=tuple(forms.split("|")),
        first_names=_words(first_names),
        cities=tuple((city.replace("_", " "), code) for city, code in places),
    )


_STYLES = {
    "DK": _style(
        starts="Fjord Skov Birk Vester Øster Lind Sten Hav Mose Kirke Ege Sol",
        ends="vang holm lund bjerg gård mark rup dal",
        trades="Tømrer|Byg|Logistik|Design|Teknik|Fødevarer|Marine|Software|El|Møbler",
        forms="ApS|A/S|I/S",
        first_names="Søren Mette Lærke Anders Freja Jesper Ida Rasmus Karen Åse",
        cities="Aarhus 8000|Odense 5000|Aalborg 9000|Esbjerg 6700|Roskilde 4000",
    ),
    "SE": _style(
        starts="Björk Sjö Berg Gran Älv Norr Söder Ek Ljung Sten Hag",
        ends="ström backa vik näs hult stad torp ås",
        trades="Bygg|Transport|Verkstad|Data|Elteknik|Trä|Livs|Konsult|Plåt",
        forms="AB|HB|Handels AB",
        first_names="Åsa Gustav Linnéa Björn Elsa Oskar Maja Nils Sigrid Tove",
        cities="Malmö 21120|Uppsala 75310|Västerås 72211|Örebro 70210|Lund 22100",
    ),
    "DE": _style(
        starts="Eichen Stein Wald Burg Sonnen Tannen Mühl König Rosen Falken Grün",
        ends="feld brück hof tal berg au heim kamp",
        trades="Maschinenbau|Bau|Spedition|Elektrotechnik|Möbel|Metall|Medien|Getränke",
        forms="GmbH|GmbH & Co. KG|AG|KG",
        first_names="Jürgen Käthe Lukas Björn Sophie Heike Matthias Lena Uwe Grete",
        cities="Leipzig 04109|Kassel 34117|Münster 48143|Bremen 28195|Ulm 89073",
    ),
    "FR": _style(
        starts="Beau Clair Haute Belle Mont Roche Val Grand Chante Pré",
        ends="rivage fontaine pierre lande court ville bois champ",
        trades="Menuiserie|Transports|Conseil|Bâtiment|Boulangerie|Énergie|Textile|Électricité",
        forms="SARL|SAS|SA|& Fils SARL",
        first_names="Élodie Jérôme Camille Benoît Zoé Thibault Hélène Luc Océane Rémi",
        cities="Lyon 69002|Nantes 44000|Rennes 35000|Dijon 21000|Metz 57000",
    ),
    "NL": _style(
        starts="Zee Noord Ooster Wester Berken Polder Haven Linden Molen Veen",
        ends="dijk brug hof veld stroom wijk laan meer",
        trades="Bouw|Transport|Techniek|Bloemen|Horeca|Installatie|Media|Scheepvaart",
        forms="B.V.|V.O.F.|Holding B.V.",
        first_names="Sanne Joost Fenna Daan Mirthe Bram Lotte Sjoerd Noor Teun",
        cities="Utrecht 3511|Zwolle 8011|Breda 4811|Groningen 9711|Arnhem 6811",
    ),
    "ES": _style(
        starts="Monte Rio Vall Peña Fuen Torre Alta Campo Oliva Costa",
        ends="verde blanca mar sol luna rubio clara nueva",
        trades="Construcciones|Transportes|Aceites|Diseño|Alimentación|Cerámicas|Electrónica",
        forms="S.L.|S.A.|e Hijos S.L.",
        first_names="Íñigo Lucía Andrés Begoña Martín Nuria Álvaro Inés Joaquín Pilar",
        cities="Valencia 46002|Zaragoza 50001|Murcia 30001|Bilbao 48001|Vigo 36201",
    ),
    "IT": _style(
        starts="Monte Val Bella Rocca Acqua Ponte Campo Villa Fonte Terra",
        ends="chiara verde mare lago fiore d'oro nova alta",
        trades="Costruzioni|Trasporti|Impianti|Arredi|Alimentari|Meccanica|Ceramiche|Grafica",
        forms="S.r.l.|S.p.A.|S.n.c.",
        first_names="Niccolò Chiara Matteo Giulia Alessio Noemi Davide Elena Ugo Tosca",
        cities="Parma 43121|Verona 37121|Modena 41121|Bari 70121|Trento 38122",
    ),
    "GB": _style(
        starts="Ash Thorn Brook Win Hart Raven Kings Elder Mill Oak Fern",
        ends="field bury worth combe ley ford wick mere",
        trades="Joinery|Haulage|Catering|Electrical|Interiors|Print|Plumbing|Software|Scaffolding",
        forms="Ltd|LLP|& Sons Ltd|plc",
        first_names="Imogen Alfie Siân Callum Freya Rhys Niamh Oliver Isla Hamish",
        cities="Leeds LS1|Bristol BS1|York YO1|Derby DE1|Swansea SA1",
    ),
    "US": _style(
        starts="Cedar Iron Prairie Blue Copper Canyon River Summit Maple Granite",
        ends="point ridge gate line works stone creek dale",
        trades="Freight|Roofing|Analytics|Supply|Dental|Staffing|Foods|Fabrication|Landscaping",
        forms="LLC|Inc.|Corp.|Co.",
        first_names="Marcus Dana Trevor Keisha Luis Paige Owen Renée Andre Brooke",
        cities="Oakland 94607|Austin 78701|Buffalo 14201|Tacoma 98401|Peoria 61602",
    ),
    "JP": _style(
        starts="Aoyama Minato Kiku Matsu Hoshi Kaze Sakura Tsuki Yama Umi",
        ends="hara mori kawa saki moto zaki da hashi",
        trades="Seisakusho|Shokuhin|Denki|Unyu|Kensetsu|Shoji|Kogyo|Design",
        forms="K.K.|G.K.|Co., Ltd.",
        first_names="Haruka Kenji Yuki Sōta Aiko Ren Naoko Daichi Emi Taro",
        cities="Nagoya 460-0008|Sendai 980-0811|Kobe 650-0021|Fukuoka 810-0001|Sapporo 060-0001",
    ),
    "KW": _style(
        starts="Al_Noor Al_Waha Dar_Al Gulf_ Al_Bahr Al_Rimal Burj_ Al_Safa",
        ends="iya an een at oun een a ar",
        trades="Trading|Contracting|Foodstuff|Marine Services|Real Estate|Medical Supplies",
        forms="W.L.L.|Co.|K.S.C.C.",
        first_names="Fahad Noura Yousef Dalal Khalid Maryam Salem Hessa Bader Shaikha",
        cities="Kuwait_City 13001|Hawalli 32001|Salmiya 22001|Farwaniya 81001",
    ),
    "FI": _style(
        starts="Järvi Koski Kuusi Meri Poro Halla Koivu Kallio Suvi Tuuli",
        ends="ranta niemi lahti mäki saari vaara salmi pelto",
        trades="Rakennus|Kuljetus|Sähkö|Puu|Ohjelmisto|Konepaja|Leipomo|Huolto",
        forms="Oy|Ky|Oyj",
        first_names="Väinö Aino Eero Kaisa Onni Päivi Tapio Helmi Ilmari Sanni",
        cities="Tampere 33100|Turku 20100|Oulu 90100|Lahti 15110|Kuopio 70100",
    ),
}

STREETS = ("Harbour Street", "Mill Lane", "Station Road", "Market Square", "Park Avenue")


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; ``street`` includes the number."""

    street: str
    city: str
    zip_code: str


def surname(random: Random, alpha2: str) -> str:
    """A family or place name in the style of a country."""
    style = _STYLES[alpha2]
    return (random.choice(style.starts) + random.choice(style.ends)).replace("_", " ")


def company_name(random: Random, alpha2: str) -> str:
    """A company name in the style of a country; not unique."""
    style = _STYLES[alpha2]
    return f"{surname(random, alpha2)} {random.choice(style.trades)} {random.choice(style.forms)}"


def person_name(random: Random, alpha2: str) -> str:
    """First and family name in the style of a country."""
    return f"{random.choice(_STYLES[alpha2].first_names)} {surname(random, alpha2).title()}"


def address(random: Random, alpha2: str) -> Address:
    """A street address in one of a country's cities."""
    city, zip_code = random.choice(_STYLES[alpha2].cities)
    return Address(f"{random.choice(STREETS)} {random.randint(1, 180)}", city, zip_code)


def slug(text: str) -> str:
    """Lower-case ASCII letters, digits and hyphens; "client" when nothing is left."""
    plain = "".join(
        letter if letter.isascii() and letter.isalnum() else "-"
        for letter in normalize("NFKD", text.replace("ø", "o").replace("Ø", "O"))
        if not combining(letter)
    )
    return "-".join(part for part in plain.lower().split("-") if part) or "client"
