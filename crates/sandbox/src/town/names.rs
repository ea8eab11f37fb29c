//! Made-up names: of people, streets and houses.

use rand::RngExt;
use rand::rngs::StdRng;

const FIRST: [&str; 24] = [
    "Ana",
    "Bento",
    "Clara",
    "Davi",
    "Elisa",
    "Fábio",
    "Gabriela",
    "Heitor",
    "Iara",
    "Joaquim",
    "Lívia",
    "Miguel",
    "Nair",
    "Otávio",
    "Paula",
    "Quitéria",
    "Raul",
    "Sofia",
    "Tomás",
    "Ubirajara",
    "Vera",
    "Wagner",
    "Yasmin",
    "Zélia",
];

const LAST: [&str; 24] = [
    "Areias",
    "Barlavento",
    "Coralina",
    "Dunas",
    "Espuma",
    "Farol",
    "Gaivota",
    "Horizonte",
    "Ilhéu",
    "Jangada",
    "Lagosta",
    "Maré",
    "Nevoeiro",
    "Ondina",
    "Pedra-Mar",
    "Quilha",
    "Restinga",
    "Sotavento",
    "Tainha",
    "Ultramar",
    "Vela",
    "Xaréu",
    "Bússola",
    "Zarpar",
];

const STREETS: [&str; 16] = [
    "Rua das Marés",
    "Rua do Farol",
    "Avenida Barlavento",
    "Rua dos Corais",
    "Travessa da Âncora",
    "Rua da Bússola",
    "Avenida Sotavento",
    "Rua das Gaivotas",
    "Rua do Astrolábio",
    "Travessa do Leme",
    "Rua das Conchas",
    "Rua do Nevoeiro",
    "Avenida Ultramar",
    "Rua da Jangada",
    "Rua das Estrelas-do-Mar",
    "Travessa da Quilha",
];

const BUILDINGS: [&str; 12] = [
    "Atol",
    "Baía",
    "Caravela",
    "Delta",
    "Enseada",
    "Fiorde",
    "Golfo",
    "Hipocampo",
    "Istmo",
    "Lagoa",
    "Molhe",
    "Recife",
];

fn pick(rng: &mut StdRng, names: &[&'static str]) -> &'static str {
    names.get(rng.random_range(0..names.len())).copied().unwrap_or_default()
}

/// A person's first and last name.
pub(crate) fn person(rng: &mut StdRng) -> (&'static str, &'static str) {
    (pick(rng, &FIRST), pick(rng, &LAST))
}

/// A street and a house number.
pub(crate) fn address(rng: &mut StdRng) -> String {
    format!("{}, {}", pick(rng, &STREETS), rng.random_range(1..2000))
}

/// A condominium, told apart by its number.
pub(crate) fn building(rng: &mut StdRng, number: usize) -> String {
    format!("Condomínio {} {number}", pick(rng, &BUILDINGS))
}

/// The PPPoE user of a client: the first name without accents, and the code.
pub(crate) fn pppoe_user(first_name: &str, code: &str) -> String {
    let plain: String = first_name
        .to_lowercase()
        .chars()
        .map(|letter| match letter {
            'á' | 'ã' | 'â' => 'a',
            'é' | 'ê' => 'e',
            'í' => 'i',
            'ó' | 'õ' => 'o',
            other => other,
        })
        .collect();
    format!("{plain}.{code}").to_lowercase()
}

/// A serial number: a maker's four letters and eight digits.
pub(crate) fn serial(rng: &mut StdRng) -> String {
    format!("{}{:08X}", pick(rng, &["FHTT", "ZTEG", "HWTC", "ALCL"]), rng.random::<u32>())
}

/// A locally administered MAC address, which no maker has given to a device.
pub(crate) fn mac(rng: &mut StdRng) -> [u8; 6] {
    let mut bytes: [u8; 6] = rng.random();
    bytes[0] = 0x02;
    bytes
}

/// A MAC address as OZmap has it: capitals and colons.
pub(crate) fn plain_mac(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02X}")).join(":")
}
