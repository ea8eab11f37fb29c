//! What sign-in pages are called.

use url::Url;

/// Words in a path, a query or a host's name, in lower case.
const ANYWHERE: [&str; 9] =
    ["sign_in", "signin", "sign-in", "login", "logon", "log_in", "log-in", "entrar", "autentica"];
/// Words with which a segment of a path, or a label of a host's name, begins.
const AT_BEGINNING: [&str; 5] = ["auth", "oauth", "session", "sessao", "saml"];
/// Words that are a whole segment or label.
const WHOLE: [&str; 4] = ["sso", "cas", "idp", "acesso"];

/// Words in a title, in lower case.
const IN_TITLE: [&str; 12] = [
    "sign in",
    "sign-in",
    "signin",
    "log in",
    "log-in",
    "login",
    "logon",
    "entrar",
    "acesso",
    "acessar",
    "autentica",
    "iniciar sess",
];

/// Whether a page of this title asks to sign in.
pub(super) fn is_in_title(title: &str) -> bool {
    let title = title.to_lowercase();
    IN_TITLE.iter().any(|word| title.contains(word))
}

/// Whether a link leads to a sign-in page.
pub(super) fn is_in_target(target: &str) -> bool {
    let target = target.to_lowercase();
    ANYWHERE.iter().any(|word| target.contains(word)) || target.split(['/', '?', '#', ':']).any(is_word)
}

fn is_word(part: &str) -> bool {
    WHOLE.contains(&part) || AT_BEGINNING.iter().any(|word| part.starts_with(word))
}

/// Whether a redirect from one place to another asks to sign in. What is part of the first place does not say so: a path of
/// an API may have `auth` in it, and be sent to `https`.
pub(super) fn is_asked_for(from: &Url, to: &Url) -> bool {
    let known: Vec<&str> = from.path_segments().into_iter().flatten().collect();
    let new = to.path_segments().into_iter().flatten().filter(|segment| !known.contains(segment));
    let elsewhere = to.host_str().filter(|host| Some(*host) != from.host_str()).unwrap_or_default();
    let says_so = |part: &str| {
        let part = part.to_lowercase();
        ANYWHERE.iter().any(|word| part.contains(word)) || is_word(&part)
    };
    let (query, fragment) = (to.query().unwrap_or_default(), to.fragment().unwrap_or_default());
    new.into_iter().any(says_so)
        || elsewhere.split('.').any(says_so)
        || [query, fragment].iter().any(|part| ANYWHERE.iter().any(|word| part.to_lowercase().contains(word)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::rails("https://isp.example/users/sign_in", true)]
    #[case::with_a_way_back("https://isp.example/entrar?next=/api", true)]
    #[case::a_session("https://isp.example/session/new", true)]
    #[case::another_host("https://sso.example.com/", true)]
    #[case::php("https://isp.example/index.php?r=site/login", true)]
    #[case::one_page("https://isp.example/#/login", true)]
    #[case::https("https://isp.example/api/auth/v2/request_token", false)]
    #[case::another_port("http://isp.example:8080/api/auth/v2/request_token", false)]
    #[case::another_path("http://isp.example/processo/sucesso", false)]
    #[case::another_name("https://www.isp.example/api", false)]
    fn a_redirect_to_a_sign_in_page_is_known(#[case] to: &str, #[case] expected: bool) {
        let url = |text: &str| text.parse::<Url>().expect("a URL");
        assert_eq!(is_asked_for(&url("http://isp.example/api/auth/v2/request_token"), &url(to)), expected);
    }
}
