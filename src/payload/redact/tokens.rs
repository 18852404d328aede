//! Tokens and keys that are known by how they begin, and addresses that are secrets themselves.

/// How tokens begin that say by it what they are, and how many more characters of theirs follow at least, as their issuers document
/// it ([GitHub](https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns) names most
/// of them).
pub(super) const TOKENS: &[(&str, usize)] = &[
    // GitHub, GitLab, Bitbucket and Jira.
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 22),
    ("glpat-", 20),
    ("gloas-", 20),
    ("gldt-", 20),
    ("glrt-", 20),
    ("glrtr-", 20),
    ("glcbt-", 20),
    ("glptt-", 20),
    ("glft-", 20),
    ("glimt-", 20),
    ("glagent-", 20),
    ("glsoat-", 20),
    ("glffct-", 20),
    ("GR1348941", 20),
    ("ATATT3", 50),
    ("ATCTT3", 50),
    ("ATBB", 28),
    // Slack.
    ("xoxa-", 10),
    ("xoxb-", 10),
    ("xoxc-", 10),
    ("xoxd-", 10),
    ("xoxe-", 10),
    ("xoxe.", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xapp-", 10),
    // Models: OpenAI, Anthropic and others that begin alike; Hugging Face, Replicate, Groq, Perplexity, xAI, NVIDIA.
    ("sk-", 20),
    ("hf_", 30),
    ("r8_", 36),
    ("gsk_", 40),
    ("pplx-", 40),
    ("xai-", 60),
    ("nvapi-", 50),
    // Payment: Stripe, Square, Razorpay, Shippo, Flutterwave.
    ("sk_live_", 16),
    ("rk_live_", 16),
    ("sk_test_", 16),
    ("rk_test_", 16),
    ("whsec_", 20),
    ("sq0atp-", 20),
    ("sq0csp-", 40),
    ("rzp_live_", 14),
    ("shippo_live_", 40),
    ("FLWSECK-", 30),
    // Clouds: Amazon, Google, Alibaba, Tencent, Yandex, DigitalOcean, Heroku, Fly, Databricks, Supabase, Neon, PlanetScale, Netlify.
    ("AKIA", 16),
    ("ASIA", 16),
    ("ABSK", 90),
    ("AIza", 35),
    ("ya29.", 20),
    ("GOCSPX-", 20),
    ("1//0", 35),
    ("LTAI", 16),
    ("AKID", 32),
    ("AQVN", 35),
    ("y0_", 50),
    ("dop_v1_", 60),
    ("doo_v1_", 60),
    ("dor_v1_", 60),
    ("HRKU-", 36),
    ("fo1_", 40),
    ("fm1r_", 40),
    ("fm1a_", 40),
    ("fm2_", 40),
    ("dapi", 32),
    ("sbp_", 40),
    ("sb_secret_", 20),
    ("napi_", 50),
    ("pscale_tkn_", 30),
    ("pscale_pw_", 30),
    ("pscale_oauth_", 30),
    ("nfp_", 36),
    // Packages and images: npm, PyPI, RubyGems, crates.io, NuGet, Clojars, Docker, JFrog.
    ("npm_", 36),
    ("pypi-", 40),
    ("rubygems_", 40),
    ("cio", 32),
    ("oy2", 43),
    ("CLOJARS_", 60),
    ("dckr_pat_", 20),
    ("dckr_oat_", 20),
    ("AKCp", 60),
    // Building and running: HashiCorp, Doppler, Pulumi, Prefect, Buildkite, CircleCI, Tailscale, 1Password, age.
    ("hvs.", 20),
    ("hvb.", 20),
    ("hvr.", 20),
    ("atlasv1.", 50),
    ("dp.ct.", 40),
    ("dp.pt.", 40),
    ("dp.sa.", 40),
    ("dp.st.", 40),
    ("dp.scim.", 40),
    ("dp.audit.", 40),
    ("pul-", 40),
    ("pnu_", 36),
    ("bkua_", 40),
    ("CCIPAT_", 40),
    ("CCIPRJ_", 40),
    ("tskey-", 20),
    ("ops_eyJ", 60),
    ("AGE-SECRET-KEY-1", 50),
    // Watching: Grafana, Sentry, New Relic, Dynatrace, SonarQube, PostHog.
    ("glsa_", 32),
    ("glc_", 32),
    ("sntrys_", 40),
    ("sntryu_", 60),
    ("NRAK-", 27),
    ("NRJS-", 19),
    ("NRII-", 30),
    ("dt0c01.", 60),
    ("squ_", 40),
    ("sqp_", 40),
    ("sqa_", 40),
    ("phx_", 40),
    // Mail, shops, documents: SendGrid, Brevo, Shopify, Postman, Linear, Notion, Figma, Typeform, Dropbox, Contentful, Adobe, Mapbox.
    ("SG.", 40),
    ("xkeysib-", 60),
    ("shpat_", 32),
    ("shpca_", 32),
    ("shppa_", 32),
    ("shpss_", 32),
    ("PMAK-", 50),
    ("lin_api_", 32),
    ("lin_oauth_", 32),
    ("ntn_", 40),
    ("figd_", 40),
    ("tfp_", 40),
    ("sl.u.", 100),
    ("CFPAT-", 40),
    ("p8e-", 32),
    ("sk.eyJ", 40),
    // JSON Web Tokens (RFC 7519).
    ("eyJ", 30),
];

/// Addresses whose rest is a secret: who has it may write there.
pub(super) const WEBHOOKS: &[&str] = &[
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "hooks.slack.com/triggers/",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    "api.telegram.org/bot",
    "outlook.office.com/webhook/",
    "webhook.office.com/webhookb2/",
    "chat.googleapis.com/v1/spaces/",
    "hooks.zapier.com/hooks/catch/",
];

/// Which bytes a token may begin with, so that most words are looked at no further.
const FIRST: [bool; 128] = {
    let mut first = [false; 128];
    let mut at = 0;
    while at < TOKENS.len() {
        first[TOKENS[at].0.as_bytes()[0] as usize] = true;
        at += 1;
    }
    first
};

/// Returns the length of a token that begins here.
pub(super) fn token(rest: &str) -> Option<usize> {
    let first = usize::from(*rest.as_bytes().first()?);
    if !FIRST.get(first).is_some_and(|is_one| *is_one) {
        return None;
    }
    TOKENS.iter().filter(|(begin, _)| rest.starts_with(begin)).find_map(|(begin, least)| {
        let more = rest[begin.len()..].bytes();
        let more = more.take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte)).count();
        (more >= *least).then_some(begin.len() + more)
    })
}

/// Returns the length of a webhook's address that begins here without its scheme, and of what of it is no secret.
pub(super) fn webhook(rest: &str) -> Option<(usize, usize)> {
    let begin = WEBHOOKS.iter().find(|begin| rest.starts_with(**begin))?;
    let end = rest.find(|c: char| c.is_whitespace() || "\"'`<>)\\,".contains(c)).unwrap_or(rest.len());
    (end > begin.len()).then_some((end, begin.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_as_many_characters_as_its_issuer_gives_it() {
        for (begin, least) in TOKENS {
            let long = format!("{begin}{}", "Ab1".repeat(least / 3 + 1));
            assert_eq!(token(&format!("{long} x")), Some(long.len()), "{long}");
            assert_eq!(token(&format!("{begin} x")), None, "{begin}");
        }
    }

    #[test]
    fn the_address_of_a_webhook_keeps_its_host() {
        assert_eq!(webhook("hooks.slack.com/services/T0/B0/x, y"), Some((32, 25)));
        assert_eq!(webhook("hooks.slack.com/services/ x"), None);
        assert_eq!(webhook("slack.com/services/T0"), None);
    }
}
