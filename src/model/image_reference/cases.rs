//! References to images and how Go reads them. A scenario asks Go about every one of them too.

/// A digest's digits.
pub const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Text, host, repository, tag and digest, with `HEX` for the digits.
pub const IMAGES: &[(&str, &str, &str, &str, &str)] = &[
    ("nginx", "docker.io", "library/nginx", "", ""),
    ("nginx:1.27", "docker.io", "library/nginx", "1.27", ""),
    ("library/nginx", "docker.io", "library/nginx", "", ""),
    ("docker.io/nginx", "docker.io", "library/nginx", "", ""),
    ("index.docker.io/owner/app", "docker.io", "owner/app", "", ""),
    ("index.docker.io/app", "docker.io", "library/app", "", ""),
    (
        "registry-1.docker.io/owner/app",
        "registry-1.docker.io",
        "owner/app",
        "",
        "",
    ),
    ("owner/team/app:1", "docker.io", "owner/team/app", "1", ""),
    ("app@sha256:HEX", "docker.io", "library/app", "", "sha256:HEX"),
    ("localhost", "docker.io", "library/localhost", "", ""),
    ("localhost/app", "localhost", "app", "", ""),
    ("localhost:5000/app", "localhost:5000", "app", "", ""),
    ("Upper/app", "Upper", "app", "", ""),
    ("git.example.com", "docker.io", "library/git.example.com", "", ""),
    ("git.example.com/app", "git.example.com", "app", "", ""),
    (
        "git.example.com:443/owner/app:TAG_1",
        "git.example.com:443",
        "owner/app",
        "TAG_1",
        "",
    ),
    ("192.0.2.1/app", "192.0.2.1", "app", "", ""),
    ("[::1]/app", "[::1]", "app", "", ""),
    ("[::1]:5000/app", "[::1]:5000", "app", "", ""),
    (
        "git.example.com/app:1@sha256:HEX",
        "git.example.com",
        "app",
        "1",
        "sha256:HEX",
    ),
    (
        "git.example.com/app@sha512:HEXHEX",
        "git.example.com",
        "app",
        "",
        "sha512:HEXHEX",
    ),
    ("git.example.com/HEX", "git.example.com", "HEX", "", ""),
    (
        "git.example.com/a__b/c--d/e.f_g:_x",
        "git.example.com",
        "a__b/c--d/e.f_g",
        "_x",
        "",
    ),
];

/// What is no reference.
pub const REFUSED: &[&str] = &[
    "",
    " ",
    "HEX",
    "/app",
    "git.example.com/",
    "git.example.com//app",
    "git.example.com/app/",
    " git.example.com/app",
    "git.example.com/app ",
    "git.example.com/a\tb",
    "https://git.example.com/app",
    "git.example.com/App",
    "git.example.com/a..b",
    "git.example.com/a___b",
    "git.example.com/a._b",
    "git.example.com/-a",
    "git.example.com/a-",
    "git.example.com/a%2fb",
    "git.example.com/../app",
    "git.example.com/é",
    "git.example.com/app:",
    "git.example.com/app:-1",
    "git.example.com/app:.1",
    "git.example.com/app:1:2",
    "git.example.com/app:1/2",
    "git.example.com/app:é",
    "git.example.com/app@",
    "git.example.com/app@sha256:0123",
    "git.example.com/app@sha256:HEX@sha256:HEX",
    "git.example.com/app@sha256:HEXHEX",
    "git.example.com/app@md5:0123456789abcdef0123456789abcdef",
    "git.example.com/app@sha256:0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
    "é.example.com/app",
    "-git.example.com/app",
    "git-.example.com/app",
    "git..example.com/app",
    "git.example.com./app",
    "git.example.com:/app",
    "git.example.com:port/app",
    "git_1:5000/app",
    "[fe80::1%25eth0]/app",
    "::1/app",
];

/// A row of [`IMAGES`] with the digits in it.
pub fn row(row: &(&str, &str, &str, &str, &str)) -> (String, String, String, String, String) {
    let whole = |text: &str| text.replace("HEX", HEX);
    (whole(row.0), whole(row.1), whole(row.2), whole(row.3), whole(row.4))
}
