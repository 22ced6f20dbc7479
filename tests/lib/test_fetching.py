"""An address that somebody typed in is fetched, and leads nowhere it should not."""

import gzip
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lib import fetching
from tests.lib import sockets

HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
KINDS = ("text/html",)


def answer(body: bytes, head: bytes = HTML) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def leads_to(url: str, status: int = 302) -> bytes:
    return b"HTTP/1.1 %d Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (
        status, url.encode(),
    )  # fmt: skip


def here(*servers: sockets.Server, **changes: object) -> fetching.Rules:
    """Return rules by which every name is this machine, and the servers' ports are usual ones."""
    rules = fetching.Rules(
        resolve=lambda host, port: ["127.0.0.1"],
        is_allowed=lambda address: address.is_loopback,
        ports={server.port for server in servers},
    )
    return replace(rules, **changes)  # type: ignore[arg-type]


def fetch(url: str, rules: fetching.Rules) -> fetching.Fetched:
    return fetching.fetch(url, kinds=KINDS, rules=rules)


def refusal(url: str, rules: fetching.Rules | None = None) -> str:
    with pytest.raises(fetching.UnableToFetch) as caught:
        fetching.fetch(url, kinds=KINDS, rules=rules)
    return str(caught.value)


# --- Where an address may lead ---------------------------------------------------------------

NEAR = [
    "127.0.0.1", "0.0.0.0", "10.0.0.1",  # noqa: S104
    "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.8", "192.0.0.170", "192.0.2.1", "198.18.0.1", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1",
    "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::",
    "2001:0:4136:e378::1", "2001:db8::1", "::127.0.0.1", "100::1", "4000::1", "fec0::1",
]  # fmt: skip


@pytest.mark.parametrize("address", NEAR)
def test_no_near_address_is_public(address: str) -> None:
    assert not fetching.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert fetching.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.1", "http://0177.0.0.1", "http://2130706433", "http://0x7f000001",
        "http://①②⑦.⓪.⓪.①", "http://localhost", "http://127.0.0.1/", "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/", "http://[::ffff:169.254.169.254]/",
        "http://100.64.0.1/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
        "http://192.0.0.8/", "http://0/", "https://10.0.0.1/", "http://localhost./",
    ],
)  # fmt: skip
def test_the_real_rules_open_no_near_address_however_it_is_written(url: str) -> None:
    assert "private network" in refusal(url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:///etc/passwd", "begin with https://"),
        ("gopher://example.com/", "begin with https://"),
        ("javascript:alert(1)", "begin with https://"),
        ("https://good@127.0.0.1/", "user name"),
        ("https://a:b@example.com/", "user name"),
        ("https://example.com:8080/", "usual ports"),
        ("https://example.com:22/", "usual ports"),
        ("http://", "no address"),
        ("http://[::", "no address"),
        ("http://a b/", "no address"),
        ("http://a..b/", "no address"),
        ("http://example.com:99999/", "no address"),
        ("http://[fe80::1%25eth0]/", "no address"),
        ("https://example.com/" + "x" * 2_000, "no address"),
    ],
)
def test_what_is_no_address_of_a_page_is_refused_before_anything_is_asked(
    url: str, said: str
) -> None:
    def never(host: str, port: int) -> list[str]:
        raise AssertionError("nobody was to be asked")

    assert said in refusal(url, fetching.Rules(resolve=never))


def test_a_name_with_one_near_address_among_public_ones_is_refused() -> None:
    rules = fetching.Rules(resolve=lambda host, port: ["8.8.8.8", "10.0.0.1"])

    assert "private network" in refusal("https://example.com/", rules)


def test_the_address_that_was_judged_is_the_one_that_is_connected_to() -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with sockets.serving(sockets.says(answer(b"x"))) as server:
        fetch(f"http://shop.example:{server.port}/", here(server, resolve=resolve))

    assert asked == ["shop.example"]


def test_an_unknown_name_is_named() -> None:
    rules = fetching.Rules(resolve=lambda host, port: [])

    assert "There is no website called nowhere.example" in refusal("https://nowhere.example", rules)


# --- What comes back -------------------------------------------------------------------------


def test_a_page_comes_with_its_kind_and_character_set() -> None:
    heard: list[bytes] = []

    def talk(visitor: socket.socket) -> None:
        heard.append(sockets.hears(visitor))
        visitor.sendall(answer("₦".encode()))

    with sockets.serving(talk) as server:
        found = fetch(f"http://Shop.Example:{server.port}/a b/ü?q=1 2#top", here(server))

    assert (found.kind, found.charset, found.data.decode()) == ("text/html", "utf-8", "₦")
    head = heard[0].decode()
    assert head.startswith("GET /a%20b/%C3%BC?q=1%202 HTTP/1.1\r\n")
    assert f"\r\nHost: shop.example:{server.port}\r\n" in head


@pytest.mark.parametrize("named", [b"a\x00b", b"x" * 5_000, b"../etc"])
def test_what_is_no_name_of_a_character_set_is_not_handed_on(named: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=" + named + b"\r\n"

    with sockets.serving(sockets.says(answer(b"x", head))) as server:
        assert fetch(f"http://a.example:{server.port}", here(server)).charset == ""


def test_packed_and_chunked_pages_are_unpacked() -> None:
    packed = gzip.compress(b"hello" * 1_000)
    chunked = (
        HTML + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    )
    deflated = answer(zlib.compress(b"hello"), HTML + b"Content-Encoding: deflate\r\n")

    for raw, size in ((chunked, 5_000), (deflated, 5)):
        with sockets.serving(sockets.says(raw)) as server:
            assert len(fetch(f"http://a.example:{server.port}", here(server)).data) == size


BAD = {
    "a picture": (answer(b"x", b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"), "image/png"),
    "no type": (answer(b"x", b"HTTP/1.1 200 OK\r\n"), "neither a page"),
    "not found": (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "There is no page"),
    "closed": (b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "to everybody (403)"),
    "trouble": (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "trouble with this page (503)"),
    "half": (HTML + b"Content-Length: 100\r\n\r\nx", "broke"),
    "no http": (b"SSH-2.0-OpenSSH_9.6\r\n", "broke"),
    "brotli": (answer(b"x", HTML + b"Content-Encoding: br\r\n"), "packed"),
    "no gzip": (answer(b"hello", HTML + b"Content-Encoding: gzip\r\n"), "broke"),
    "long header": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "broke"),
    "a chunk of less than nothing": (
        HTML + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nx\r\n0\r\n\r\n", "broke",
    ),
    "no character set": (
        answer(b"x", b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset*=a\x00''x\r\n"), "broke",
    ),
    "many headers": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "broke"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_page_is_refused_with_a_reason(kind: str) -> None:
    raw, said = BAD[kind]

    with sockets.serving(sockets.says(raw)) as server:
        assert said in refusal(f"http://a.example:{server.port}/", here(server))


def test_ten_gigabytes_in_ten_megabytes_are_refused_while_they_come() -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    block = bytes(1 << 20)

    def talk(visitor: socket.socket) -> None:
        sockets.hears(visitor)
        visitor.sendall(HTML + b"Content-Encoding: gzip\r\n\r\n")
        for _ in range(10_000):
            visitor.sendall(bomb.compress(block))

    with sockets.serving(talk) as server:
        started = time.monotonic()
        assert "more than 10 MB" in refusal(f"http://a.example:{server.port}", here(server))

    assert time.monotonic() - started < 5


def test_an_endless_page_is_not_read_to_its_end() -> None:
    def talk(visitor: socket.socket) -> None:
        sockets.hears(visitor)
        visitor.sendall(HTML + b"\r\n")
        while True:
            visitor.sendall(b"x" * 65_536)

    with sockets.serving(talk) as server:
        assert "more than 10 MB" in refusal(f"http://a.example:{server.port}", here(server))


SLOW = {
    "nothing": sockets.hangs,
    "a dripping head": sockets.drips(b"HTTP/1.1 200 OK\r\nX-Long: "),
    "a dripping body": sockets.drips(HTML + b"Content-Length: 100000\r\n\r\n"),
}


@pytest.mark.parametrize("kind", SLOW)
def test_a_slow_page_ends_at_the_deadline(kind: str) -> None:
    with sockets.serving(SLOW[kind]) as server:
        started = time.monotonic()
        said = refusal(f"http://a.example:{server.port}", here(server, whole_seconds=0.5))

    assert "did not answer in time" in said
    assert 0.4 < time.monotonic() - started < 1.0


def test_a_name_that_is_looked_up_for_ever_ends_at_its_deadline() -> None:
    def slow(host: str, port: int) -> list[str]:
        time.sleep(3)
        return ["127.0.0.1"]

    started = time.monotonic()

    assert "in time" in refusal(
        "http://a.example/", fetching.Rules(resolve=slow, connect_seconds=0.2)
    )
    assert time.monotonic() - started < 1


def test_redirects_share_one_deadline() -> None:
    def talk(visitor: socket.socket) -> None:
        sockets.hears(visitor)
        time.sleep(0.3)
        visitor.sendall(leads_to("/again"))

    with sockets.serving(talk) as server:
        started = time.monotonic()
        assert refusal(f"http://a.example:{server.port}", here(server, whole_seconds=0.5))

    assert time.monotonic() - started < 1


def test_only_so_many_are_fetched_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        assert fetching._places.acquire(blocking=False)
    try:
        assert "Try again in a minute" in refusal("https://example.com/")
    finally:
        fetching._places.release(3)


# --- Where it leads on to --------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_and_judged_anew(status: int) -> None:
    with (
        sockets.serving(sockets.says(answer(b"here"))) as end,
        sockets.serving(sockets.says(leads_to(f"//b.example:{end.port}/x", status))) as begin,
    ):
        found = fetch(f"http://a.example:{begin.port}", here(begin, end))

    assert (found.data, found.url) == (b"here", f"http://b.example:{end.port}/x")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("http://10.0.0.1/", "private network"),
        ("http://169.254.169.254/", "private network"),
        ("file:///etc/passwd", "begin with https://"),
        ("gopher://a.example/", "begin with https://"),
        ("http://x@a.example/", "user name"),
        ("http://a.example:6379/", "usual ports"),
        ("http://[::", "no address"),
    ],
)
def test_a_redirect_leads_nowhere_that_an_address_may_not(where: str, said: str) -> None:
    with sockets.serving(sockets.says(leads_to(where))) as server:
        rules = here(
            server,
            resolve=lambda host, port: ["127.0.0.1"] if host == "a.example" else [host],
            ports={server.port, 80},
        )
        assert said in refusal(f"http://a.example:{server.port}/", rules)


def test_redirects_end_after_three() -> None:
    with sockets.serving(sockets.says(leads_to("/again"))) as server:
        assert "again and again" in refusal(f"http://a.example:{server.port}/", here(server))

    assert server.count == 4


# --- Encryption ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for shop.example that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def safe(certificate: Path) -> Iterator[Callable[[bytes], sockets.Server]]:
    """Serve an answer over TLS, as shop.example."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    opened: list[sockets.Server] = []

    def serve(raw: bytes) -> sockets.Server:
        def talk(visitor: socket.socket) -> None:
            with context.wrap_socket(visitor, server_side=True) as line:
                sockets.says(raw)(line)

        opened.append(sockets.Server(talk))
        return opened[-1]

    yield serve
    for server in opened:
        server.close()


def trusting(certificate: Path) -> Callable[[], ssl.SSLContext]:
    return lambda: ssl.create_default_context(cafile=str(certificate))


def test_the_certificate_is_checked_against_the_name_that_was_typed(
    safe: Callable[[bytes], sockets.Server], certificate: Path
) -> None:
    server = safe(answer(b"safe"))
    rules = here(server, tls=trusting(certificate))

    assert fetch(f"https://shop.example:{server.port}/", rules).data == b"safe"
    assert "certificate of other.example" in refusal(f"https://other.example:{server.port}/", rules)


def test_a_certificate_that_nobody_vouches_for_is_refused(
    safe: Callable[[bytes], sockets.Server],
) -> None:
    server = safe(answer(b"safe"))

    assert "certificate" in refusal(f"https://shop.example:{server.port}/", here(server))


def test_a_safe_page_does_not_lead_on_to_an_unsafe_one(
    safe: Callable[[bytes], sockets.Server], certificate: Path
) -> None:
    server = safe(leads_to("http://shop.example/"))

    said = refusal(f"https://shop.example:{server.port}/", here(server, tls=trusting(certificate)))

    assert "not encrypted" in said
