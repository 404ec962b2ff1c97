//! The server over a real socket: who may ask, what it never touches, and how it keeps files.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use elman_data::wav_bytes;
use elman_studio::{Options, Server, serve};
use serde_json::{Value, json};

/// A server over a folder of its own.
struct Studio {
    dir: tempfile::TempDir,
    server: Server,
    port: u16,
}

/// An answer.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    fn reason(&self) -> String {
        self.json()["reason"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends bytes and reads until the other side closes.
fn exchange(port: u16, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // A body that is rejected is not read to its end.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Answer { status, head, body: bytes[end..].to_vec() }
}

impl Studio {
    fn new() -> Studio {
        Studio::over(|_| ())
    }

    fn over(fill: impl FnOnce(&Path)) -> Studio {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path());
        let folder = dir.path().to_owned();
        let patience = Duration::from_secs(2);
        let options = Options { folder, port: 0, lan: false, exe: "/nowhere/elman".into(), firmware: None, patience };
        let server = serve(&options).unwrap();
        let port = server.address().split([':', '/']).nth(4).unwrap().parse().unwrap();
        Studio { dir, server, port }
    }

    fn with(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
            self.port,
            body.len()
        );
        exchange(self.port, &[head.as_bytes(), body].concat())
    }

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        self.with(method, path, &format!("x-elman-token: {}\r\n", self.server.token()), body)
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, b"");
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, body.to_string().as_bytes())
    }

    fn names(&self, class: &str) -> Vec<String> {
        let names = self.get(&format!("/api/clips?class={class}"))["name"].as_array().unwrap().clone();
        names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }
}

/// A tone that swells and falls, between pauses.
fn word(amplitude: f64, pitch: f64) -> Vec<u8> {
    let n = 8000;
    let tone =
        |i: usize| (amplitude * (std::f64::consts::PI * i as f64 / n as f64).sin() * (i as f64 * pitch).sin()) as i16;
    let pause = || std::iter::repeat_n(0i16, 3200);
    wav_bytes(&pause().chain((0..n).map(tone)).chain(pause()).collect::<Vec<_>>(), 16_000)
}

#[test]
fn only_the_page_with_the_token_may_ask() {
    let studio = Studio::new();
    let (port, token) = (studio.port, studio.server.token());
    let first = studio.with("GET", &format!("/?token={token}"), "", b"");
    assert_eq!(first.status, 303);
    let cookie = format!("elman_{port}={token}");
    let set = first.head.lines().find(|line| line.starts_with("set-cookie")).unwrap();
    assert!(set.contains(&cookie) && set.contains("httponly") && set.contains("samesite=strict"), "{set}");
    let mine = format!("cookie: {cookie}\r\n");
    let page = studio.with("GET", "/", &mine, b"");
    assert!(page.status == 200 && page.head.contains("default-src 'none'") && page.head.contains("connect-src 'self'"));
    assert!(page.head.contains("nosniff") && page.head.contains("cross-origin-resource-policy: same-origin"));
    assert_eq!(studio.with("GET", "/api/project", &mine, b"").status, 200);
    for (path, headers) in [
        ("/", String::new()),
        ("/api/project", "cookie: elman_1=0\r\n".into()),
        ("/api/project?token=0", String::new()),
        ("/core.wasm", "x-elman-token: 0\r\n".into()),
        ("/api/project", format!("{mine}origin: http://evil.example\r\n")),
        ("/api/project", format!("{mine}origin: http://127.0.0.1:{}\r\n", port ^ 1)),
    ] {
        let answer = studio.with("GET", path, &headers, b"");
        assert!(answer.status == 403 && answer.reason() == "forbidden", "{path} {headers}: {}", answer.status);
        assert!(answer.json()["error"].as_str().unwrap().len() > 20);
    }
    // A name that was made to point here is not this server.
    for host in ["evil.example", "127.0.0.1", "localhost:1"] {
        let request = format!("GET /api/project HTTP/1.1\r\nhost: {host}\r\n{mine}connection: close\r\n\r\n");
        assert_eq!(exchange(port, request.as_bytes()).status, 403, "{host}");
    }
    let class = b"{\"name\":\"yes\"}";
    assert_eq!(studio.with("POST", "/api/classes", &mine, class).status, 403);
    let origin = format!("{mine}origin: http://127.0.0.1:{port}\r\n");
    assert_eq!(studio.with("POST", "/api/classes", &origin, class).status, 201);
    let wasm = studio.ask("GET", "/core.wasm", b"");
    assert!(wasm.head.contains("application/wasm") && wasm.body.starts_with(b"\0asm"));
    assert_eq!(studio.ask("GET", "/api/nothing", b"").status, 404);
    assert_eq!(studio.ask("PATCH", "/api/project", b"").status, 405);
}

#[test]
fn clips_are_added_checked_moved_excluded_and_everything_is_undone() {
    let studio = Studio::new();
    let put = |path: &str, body: &[u8]| studio.ask("PUT", &format!("/api/clips?{path}"), body);
    let good = word(12_000.0, 0.13);
    let added = put("class=yes&speaker=anna", &good);
    assert_eq!(added.status, 201);
    assert_eq!((added.json()["name"].as_str(), added.json()["ms"].as_u64()), (Some("anna_nohash_0.wav"), Some(900)));
    assert_eq!(put("class=yes&speaker=anna", &word(9_000.0, 0.13)).json()["name"], "anna_nohash_1.wav");
    assert_eq!(put("class=no&name=a.wav", &good).status, 201);
    // What a gate rejects is not written.
    for (body, reason) in [
        (word(20.0, 0.13), "quiet"),
        (word(0.0, 0.13), "silence"),
        (word(200_000.0, 0.13), "clipped"),
        (wav_bytes(&[900; 160], 16_000), "short"),
        (b"RIFF....".to_vec(), "unreadable"),
        (Vec::new(), "unreadable"),
    ] {
        let answer = put("class=yes&name=bad.wav", &body);
        assert!(answer.status == 422 && answer.reason() == reason, "{reason}: {}", answer.json());
        let checked = studio.ask("POST", "/api/clips/check", &body).json();
        assert!(checked["ok"] == false && checked["reason"] == reason, "{checked}");
    }
    assert_eq!(put("class=yes&name=quiet.wav&force=true", &word(20.0, 0.13)).status, 201);
    assert_eq!(put("class=no&name=a.wav", &good).reason(), "exists");
    let other = word(9_000.0, 0.2);
    assert_eq!(put("class=no&name=a.wav&replace=true", &other).status, 201);
    let file = studio.ask("GET", "/api/clip?class=no&name=a.wav", b"");
    assert!(file.body == other && file.head.contains("audio/wav"));
    assert_eq!(studio.post("/api/undo", &json!({})).json()["undone"]["what"], "add");
    assert_eq!(std::fs::read(studio.dir.path().join("clips/no/a.wav")).unwrap(), good);

    let items =
        json!([{ "class": "yes", "name": "anna_nohash_0.wav" }, { "class": "yes", "name": "anna_nohash_1.wav" }]);
    let moved = studio.post("/api/clips/move", &json!({ "items": items, "to": "no" }));
    assert_eq!((moved.status, moved.json()["done"].as_u64()), (200, Some(2)));
    assert_eq!(studio.names("no"), ["a.wav", "anna_nohash_0.wav", "anna_nohash_1.wav"]);
    let one = json!({ "items": [{ "class": "no", "name": "a.wav" }] });
    assert_eq!(studio.post("/api/clips/exclude", &one).status, 200);
    assert!(studio.dir.path().join("excluded/clips/no/a.wav").exists());
    assert_eq!(studio.post("/api/clips/exclude", &one).reason(), "not-found");
    let classes = studio.get("/api/classes")["classes"].clone();
    assert_eq!(
        (classes[0]["name"].as_str(), classes[0]["clips"].as_u64(), classes[0]["excluded"].as_u64()),
        (Some("no"), Some(2), Some(1))
    );
    assert_eq!(studio.post("/api/clips/include", &one).status, 200);
    assert_eq!(studio.post("/api/clips/delete", &one).status, 200);
    assert_eq!(studio.names("no"), ["anna_nohash_0.wav", "anna_nohash_1.wav"]);
    assert_eq!(studio.post("/api/classes/rename", &json!({ "from": "no", "to": "up" })).status, 200);
    assert_eq!(studio.names("up").len(), 2);
    let shown = studio.get("/api/journal");
    assert_eq!(shown[0]["text"], "class no renamed to up");
    // All of it back, one after the other.
    while studio.post("/api/undo", &json!({})).status == 200 {}
    assert_eq!(studio.get("/api/clips")["total"], 0);
    assert_eq!(studio.get("/api/classes")["classes"], json!([]));
    assert!(std::fs::read_dir(studio.dir.path().join("clips")).unwrap().next().is_none(), "a folder is left");
}

#[test]
#[cfg(unix)]
fn no_file_outside_the_folder_is_read_or_written() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.wav"), word(9_000.0, 0.1)).unwrap();
    let studio = Studio::over(|dir| {
        std::fs::create_dir_all(dir.join("clips/yes")).unwrap();
        std::fs::create_dir_all(dir.join("runs")).unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.join("clips/out")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.wav"), dir.join("clips/yes/link.wav")).unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.join("runs/out")).unwrap();
    });
    let put = |query: &str| studio.ask("PUT", &format!("/api/clips?{query}"), &word(9_000.0, 0.1)).status;
    for class in ["..", "../x", "..%2fx", "%2e%2e", "a%2fb", "a%00b", "%2fetc", "..%5cx", "_x", "", "out"] {
        assert!(matches!(put(&format!("class={class}&name=a.wav")), 400 | 403), "{class}");
    }
    for name in ["..%2f..%2fa.wav", "%2e%2e", "a%0ab.wav", ".a.wav", "b%5c..%5ca.wav"] {
        assert_eq!(put(&format!("class=yes&name={name}")), 400, "{name}");
    }
    for path in [
        "/api/clip?class=out&name=secret.wav",
        "/api/clip?class=yes&name=link.wav",
        "/api/clip?class=..&name=x",
        "/api/clip?class=yes&name=..%2f..%2f..%2fetc%2fpasswd",
        "/api/runs/out/model",
        "/api/runs/..%2f..%2fetc/report",
        "/api/runs/%2e%2e/model",
        "/../../etc/passwd",
        "/assets/..%2f..%2f..%2fCargo.toml",
        "//etc/passwd",
    ] {
        let answer = studio.ask("GET", path, b"");
        assert!(matches!(answer.status, 400 | 403 | 404), "{path}: {}", answer.status);
        assert!(!answer.body.starts_with(b"RIFF") && !answer.body.windows(5).any(|w| w == b"root:"), "{path}");
    }
    assert_eq!(studio.get("/api/clips")["total"], 0);
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn names_with_html_are_text_and_nothing_else() {
    let name = "<img src=x onerror=alert(1)>.wav";
    let class = "<b>&\"';";
    let studio = Studio::over(|dir| {
        std::fs::create_dir_all(dir.join("clips").join(class)).unwrap();
        std::fs::write(dir.join("clips").join(class).join(name), word(9_000.0, 0.1)).unwrap();
    });
    let answer = studio.ask("GET", "/api/clips", b"");
    assert!(answer.head.contains("application/json") && answer.head.contains("nosniff"));
    assert_eq!((answer.json()["class"][0].as_str(), answer.json()["name"][0].as_str()), (Some(class), Some(name)));
    let missing = studio.ask("GET", "/api/clip?class=%3Cscript%3E&name=x", b"");
    assert!(missing.status == 404 && missing.head.contains("application/json"));
    let file = studio.ask(
        "GET",
        "/api/clip?class=%3Cb%3E%26%22%27%3B&name=%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E.wav",
        b"",
    );
    assert!(file.status == 200 && file.head.contains("audio/wav"));
}

#[test]
fn large_bodies_wrong_requests_and_slow_clients_are_ended() {
    let studio = Studio::new();
    let token = studio.server.token();
    let head = |length: &str| {
        format!(
            "PUT /api/clips?class=yes HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\nx-elman-token: {token}\r\n{length}\r\n",
            studio.port
        )
    };
    // The length alone is enough: nothing of that size is read.
    let answer = exchange(studio.port, head("content-length: 99999999999\r\n").as_bytes());
    assert!(answer.status == 413 && answer.reason() == "too-large", "{}", answer.status);
    // Without a length, it is counted.
    let mut chunked = head("transfer-encoding: chunked\r\n").into_bytes();
    let chunk = [b"400000\r\n".as_slice(), &vec![0; 4 << 20], b"\r\n"].concat();
    (0..17).for_each(|_| chunked.extend(&chunk));
    assert_eq!(exchange(studio.port, &chunked).status, 413);
    let long = vec![b' '; 2 << 20];
    assert_eq!(studio.ask("POST", "/api/undo", &long).status, 413);
    for body in [&b"{"[..], b"7", b"{\"op\":\"x\"}", b"{\"other\":1}", b"\xff"] {
        assert_eq!(studio.ask("POST", "/api/undo", body).reason(), "bad-request");
    }
    for path in ["/api/clips?from=-1", "/api/clips?kind=x", "/api/changes?since=x", "/api/runs/none", "/api/jobs/x"] {
        assert!(matches!(studio.ask("GET", path, b"").status, 400 | 404), "{path}");
    }
    // Clients that send a byte and wait do not keep others from being served.
    let slow: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", studio.port)).unwrap();
            stream.write_all(b"G").unwrap();
            stream
        })
        .collect();
    let begun = Instant::now();
    assert_eq!(studio.ask("GET", "/api/project", b"").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(5));
    // They are ended in time.
    let mut first = &slow[0];
    first.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn ten_thousand_clips_are_listed_at_once_by_fifty_tabs() {
    let studio = Studio::over(|dir| {
        for class in 0..10 {
            let folder = dir.join(format!("clips/word{class}"));
            std::fs::create_dir_all(&folder).unwrap();
            // They cannot be read, which is quickly seen.
            (0..1000).for_each(|n| std::fs::write(folder.join(format!("speaker{n}_nohash_0.wav")), b"RIFF").unwrap());
        }
    });
    let begun = Instant::now();
    let listed = studio.ask("GET", "/api/clips", b"");
    let (took, all) = (begun.elapsed(), listed.json());
    println!("10,000 clips: {} bytes in {:.1} ms", listed.body.len(), took.as_secs_f64() * 1e3);
    assert_eq!((all["total"].as_u64(), all["name"].as_array().map(Vec::len)), (Some(10_000), Some(10_000)));
    let page = studio.get("/api/clips?class=word3&from=990&count=100");
    assert_eq!((page["total"].as_u64(), page["name"].as_array().map(Vec::len)), (Some(1000), Some(10)));
    assert_eq!(studio.get("/api/clips?find=SPEAKER77_")["total"], 10);
    assert!(took < Duration::from_secs(5));
    // Fifty tabs that wait for events, and are still served.
    let mut tabs: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", studio.port)).unwrap();
            let token = studio.server.token();
            let request = format!(
                "GET /api/events HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nx-elman-token: {token}\r\n\r\n",
                studio.port
            );
            stream.write_all(request.as_bytes()).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream
        })
        .collect();
    let until = |stream: &mut TcpStream, wanted: &str| {
        let (mut text, mut bytes) = (String::new(), [0; 4096]);
        while !text.contains(wanted) {
            let n = stream.read(&mut bytes).unwrap();
            assert!(n > 0, "the stream ended: {text}");
            text.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
    };
    tabs.iter_mut().for_each(|tab| until(tab, ": elman"));
    let since = studio.get("/api/project")["events"].as_u64().unwrap();
    assert_eq!(studio.post("/api/classes", &json!({ "name": "new" })).status, 201);
    tabs.iter_mut().for_each(|tab| until(tab, "event: data"));
    // The same by asking, also of what the command line does.
    assert_eq!(studio.get(&format!("/api/changes?since={since}&wait=5"))["events"][0]["type"], "data");
    let next = studio.get("/api/project")["events"].as_u64().unwrap();
    std::fs::write(studio.dir.path().join("clips/word3/another.wav"), b"RIFF").unwrap();
    let (begun, mut next) = (Instant::now(), json!(next));
    while studio.get("/api/clips?class=word3")["total"] != 1001 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the new clip is not seen");
        let changes = studio.get(&format!("/api/changes?since={next}&wait=10"));
        assert_eq!(changes["events"][0]["data"]["kind"], "clips");
        next = changes["next"].clone();
    }
    assert_eq!(studio.get("/api/changes?since=999999")["lost"], true);
}

#[test]
fn tables_recipes_and_spectrograms_are_shown() {
    let studio = Studio::new();
    let put = |query: &str, body: &[u8]| studio.ask("PUT", &format!("/api/clips?{query}"), body);
    assert_eq!(put("kind=tables&class=wave&name=a.csv", b"x,y\n1,2\n3,4\n").status, 201);
    let wrong = put("kind=tables&class=wave&name=b.csv", b"x,y\n1\n");
    assert!(wrong.status == 422 && wrong.json()["error"].as_str().unwrap().contains("line 2"));
    let table = studio.get("/api/table?class=wave&name=a.csv");
    assert_eq!((&table["columns"], &table["values"]), (&json!(["x", "y"]), &json!([[1.0, 3.0], [2.0, 4.0]])));

    assert_eq!(put("class=yes&name=a.wav", &word(9_000.0, 0.1)).status, 201);
    let features = studio.get("/api/clip/features?class=yes&name=a.wav");
    assert_eq!(
        (features["frames"].as_u64(), features["bands"].as_u64(), features["wave"]["max"].as_array().unwrap().len()),
        (Some(44), Some(32), 512)
    );
    let peak = features["wave"]["max"].as_array().unwrap().iter().filter_map(Value::as_i64).max();
    assert!(peak.is_some_and(|peak| (8_900..=9_000).contains(&peak)), "{peak:?}");

    let presets = studio.get("/api/presets");
    assert!(presets.as_array().unwrap().iter().any(|p| p["name"] == "listen" && p["stream"] == true));
    let recipe = studio.get("/api/recipe?preset=quick");
    assert!(recipe["keys"].as_array().unwrap().iter().all(|k| !k["help"].as_str().unwrap().is_empty()));
    let checked = |set: Value| studio.post("/api/recipe/check", &json!({ "preset": "quick", "set": set })).json();
    assert!(checked(json!({ "train.epochs": 3 }))["toml"].as_str().unwrap().contains("epochs = 3"));
    let wrong = checked(json!({ "train.epoch": 3 }));
    assert!(wrong["ok"] == false && wrong["error"].as_str().unwrap().contains("did you mean"), "{wrong}");
    let stored = studio.ask("PUT", "/api/recipes?name=mine", b"# Mine.\nname = \"mine\"\n");
    assert_eq!((stored.status, &studio.get("/api/presets")[0]["help"]), (200, &json!("Mine.")));
    assert_eq!(studio.ask("PUT", "/api/recipes?name=bad", b"x = [").reason(), "recipe");
}
