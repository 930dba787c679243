//! Debian's nginx before a Gitea that is below a path, set up as Gitea's documentation says.

use std::net::SocketAddr;

use tempfile::TempDir;

use super::background::Background;
use super::part::{free_ports, program, until};

/// A running nginx.
pub struct Nginx {
    _server: Background,
    address: SocketAddr,
    _folder: TempDir,
}

/// Where Debian has it, which not everybody has on PATH.
fn nginx() -> Option<std::path::PathBuf> {
    let debians = std::path::PathBuf::from("/usr/sbin/nginx");
    program("nginx").or_else(|| debians.is_file().then_some(debians))
}

/// What is missing for one.
#[must_use]
pub fn missing_nginx() -> &'static [&'static str] {
    if nginx().is_some() { &[] } else { &["nginx"] }
}

impl Nginx {
    /// One that hands `path` and what is below it on to `gitea`, without that path; `/v2`, of which clients know no
    /// other place, as it is; and nothing else.
    #[must_use]
    pub fn before(gitea: SocketAddr, path: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("nginx-").tempdir().unwrap();
        let at = folder.path().display();
        let [port] = free_ports();
        // One process, as whoever runs the tests, which ends when it is killed.
        let config = format!(
            r"daemon off;
master_process off;
pid {at}/pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {at}/body;
    proxy_temp_path {at}/proxy;
    fastcgi_temp_path {at}/fastcgi;
    uwsgi_temp_path {at}/uwsgi;
    scgi_temp_path {at}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location ~ ^({path}|/v2)($|/) {{
            client_max_body_size 512M;
            # What is escaped stays so.
            rewrite ^ $request_uri;
            rewrite ^({path})?(/.*) $2 break;
            proxy_pass http://{gitea}$uri;
            proxy_set_header Connection $http_connection;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Host $http_host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let log = folder.path().join("log");
        let arguments = [
            "-c".as_ref(),
            file.as_os_str(),
            "-p".as_ref(),
            folder.path().as_os_str(),
        ];
        let server = Background::start(&nginx().unwrap(), &arguments, &log);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        until(&format!("nginx is ready, {}", log.display()), || {
            std::net::TcpStream::connect(address).is_ok()
        });
        Self {
            _server: server,
            address,
            _folder: folder,
        }
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
