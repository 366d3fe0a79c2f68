"""Two-letter codes of countries (ISO 3166-1), for files that spell their names out."""

from __future__ import annotations

from functools import cache
from typing import Final

from core.domain.errors import InvalidInput

_NAMES: Final = """
AD Andorra; AE United Arab Emirates; AF Afghanistan; AG Antigua and Barbuda; AL Albania; AM Armenia;
AO Angola; AR Argentina; AT Austria; AU Australia; AZ Azerbaijan; BA Bosnia and Herzegovina;
BB Barbados; BD Bangladesh; BE Belgium; BF Burkina Faso; BG Bulgaria; BH Bahrain; BI Burundi;
BJ Benin; BN Brunei; BO Bolivia; BR Brazil; BS Bahamas; BT Bhutan; BW Botswana; BY Belarus;
BZ Belize; CA Canada; CD Democratic Republic of the Congo; CF Central African Republic; CG Congo;
CH Switzerland; CI Ivory Coast; CL Chile; CM Cameroon; CN China; CO Colombia; CR Costa Rica;
CU Cuba; CV Cape Verde; CY Cyprus; CZ Czechia; CZ Czech Republic; DE Germany; DJ Djibouti;
DK Denmark; DM Dominica; DO Dominican Republic; DZ Algeria; EC Ecuador; EE Estonia; EG Egypt;
ER Eritrea; ES Spain; ET Ethiopia; FI Finland; FJ Fiji; FM Micronesia; FR France; GA Gabon;
GB United Kingdom; GB UK; GB Great Britain; GD Grenada; GE Georgia; GH Ghana; GM Gambia; GN Guinea;
GQ Equatorial Guinea; GR Greece; GT Guatemala; GW Guinea-Bissau; GY Guyana; HK Hong Kong;
HN Honduras; HR Croatia; HT Haiti; HU Hungary; ID Indonesia; IE Ireland; IL Israel; IN India;
IQ Iraq; IR Iran; IS Iceland; IT Italy; JM Jamaica; JO Jordan; JP Japan; KE Kenya; KG Kyrgyzstan;
KH Cambodia; KI Kiribati; KM Comoros; KN Saint Kitts and Nevis; KP North Korea; KR South Korea;
KW Kuwait; KZ Kazakhstan; LA Laos; LB Lebanon; LC Saint Lucia; LI Liechtenstein; LK Sri Lanka;
LR Liberia; LS Lesotho; LT Lithuania; LU Luxembourg; LV Latvia; LY Libya; MA Morocco; MC Monaco;
MD Moldova; ME Montenegro; MG Madagascar; MH Marshall Islands; MK North Macedonia; ML Mali;
MM Myanmar; MN Mongolia; MO Macao; MR Mauritania; MT Malta; MU Mauritius; MV Maldives; MW Malawi;
MX Mexico; MY Malaysia; MZ Mozambique; NA Namibia; NE Niger; NG Nigeria; NI Nicaragua;
NL Netherlands; NO Norway; NP Nepal; NR Nauru; NZ New Zealand; OM Oman; PA Panama; PE Peru;
PG Papua New Guinea; PH Philippines; PK Pakistan; PL Poland; PR Puerto Rico; PS Palestine;
PT Portugal; PW Palau; PY Paraguay; QA Qatar; RO Romania; RS Serbia; RU Russia; RW Rwanda;
SA Saudi Arabia; SB Solomon Islands; SC Seychelles; SD Sudan; SE Sweden; SG Singapore; SI Slovenia;
SK Slovakia; SL Sierra Leone; SM San Marino; SN Senegal; SO Somalia; SR Suriname; SS South Sudan;
ST Sao Tome and Principe; SV El Salvador; SY Syria; SZ Eswatini; TD Chad; TG Togo; TH Thailand;
TJ Tajikistan; TL Timor-Leste; TM Turkmenistan; TN Tunisia; TO Tonga; TR Turkey; TR Türkiye;
TT Trinidad and Tobago; TV Tuvalu; TW Taiwan; TZ Tanzania; UA Ukraine; UG Uganda;
US United States; US United States of America; US USA; UY Uruguay; UZ Uzbekistan; VA Holy See;
VC Saint Vincent and the Grenadines; VE Venezuela; VN Vietnam; VU Vanuatu; WS Samoa; YE Yemen;
ZA South Africa; ZM Zambia; ZW Zimbabwe
"""


def country_code(text: str) -> str:
    """Return the code of a country that is given as its code or by its English name.

    Raises:
        InvalidInput: neither.
    """
    code = _codes().get(text.casefold())  # first: UK is a name, its code is GB
    if code is not None:
        return code
    if len(text) == 2 and text.isascii() and text.isalpha():
        return text.upper()
    raise InvalidInput(
        f"There is no country {text[:40]!r}: its two-letter code always works.", field="country"
    )


@cache
def _codes() -> dict[str, str]:
    pairs = (each.split(maxsplit=1) for each in _NAMES.split(";"))
    return {name.strip().replace("\n", " ").casefold(): code for code, name in pairs}
