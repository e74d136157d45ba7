"""Paths with a scheme, through fsspec; S3 and Google Cloud Storage against servers that speak them."""

from __future__ import annotations

import functools
import http.server
import re
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import UsageError
from pipeline.io.items import ReadSettings
from pipeline.io.plan import plan
from pipeline.io.readers import read_shard
from tests.io.archives import SETTINGS, failures, numbers, pack, page, pages, read, responses

SMALL = ReadSettings(shard_bytes=20_000)


@pytest.fixture
def memory() -> Iterator[str]:
    store = fsspec.filesystem("memory")
    store.store.clear()
    store.pipe("/crawl/news/a.html", page(1))
    store.pipe("/crawl/crawl.warc.gz", pack(responses(40), "warc.gz"))
    store.pipe("/crawl/.hidden", b"x")
    yield "memory://crawl"
    store.store.clear()


def test_a_folder_of_a_store_is_read_like_a_local_one(memory: str) -> None:
    items = read(memory)
    assert sorted({found.locator.file for found in pages(items)}) == ["crawl.warc.gz", "news/a.html"]
    assert len(pages(items)) == 41
    assert not failures(items)


def test_one_object_of_a_store_is_called_by_its_last_name(memory: str) -> None:
    (found,) = pages(read(f"{memory}/news/a.html"))
    assert (found.data, found.locator.file) == (page(1), "a.html")


def test_a_changed_object_changes_its_shard(memory: str) -> None:
    before = plan([memory], SETTINGS)
    fsspec.filesystem("memory").pipe("/crawl/news/a.html", page(2))
    after = plan([memory], SETTINGS)
    assert [shard.shard_id for shard in before] == [shard.shard_id for shard in after]
    assert [shard.digest for shard in before] != [shard.digest for shard in after]


def test_an_object_that_vanished_is_one_failure_worth_retrying(memory: str) -> None:
    (shard,) = plan([f"{memory}/news/a.html"], SETTINGS)
    fsspec.filesystem("memory").rm("/crawl/news/a.html")
    (lost,) = failures(list(read_shard(shard, SETTINGS)))
    assert (lost.kind, lost.retryable, lost.locator.file) == ("unreadable", True, "a.html")


def test_an_address_with_nothing_there_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="nothing there; check the address"):
        plan(["memory://nowhere/at/all"], SETTINGS)


@pytest.mark.parametrize(("url", "package", "extra"), [("s3://b/k", "s3fs", "s3"), ("gs://b/k", "gcsfs", "gs")])
def test_a_missing_package_is_wrong_usage_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, url: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # what a missing package looks like to import
    with pytest.raises(UsageError, match=rf"needs {package}: pip install 'presscut\[{extra}\]'"):
        plan([url], SETTINGS)


def test_an_unknown_scheme_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="cannot read nosuch://"):
        plan(["nosuch://a/b"], SETTINGS)


class Ranges(http.server.SimpleHTTPRequestHandler):
    """Serves byte ranges, as archives on the web do."""

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        stored = Path(self.translate_path(self.path)).read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        first, last = (int(asked[1]), min(int(asked[2]), len(stored) - 1)) if asked else (0, len(stored) - 1)
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(last + 1 - first))
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(stored)}")
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(stored[first : last + 1])

    def do_HEAD(self) -> None:
        self.do_GET()


class NoRanges(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.mark.slow
@pytest.mark.parametrize("handler", [Ranges, NoRanges])
def test_pages_and_archives_are_read_from_the_web(tmp_path: Path, handler: type[Ranges | NoRanges]) -> None:
    pytest.importorskip("aiohttp")
    linked = page(1).replace(b"<p>", b'<p><a href="crawl.warc.gz">archive</a>')
    (tmp_path / "a.html").write_bytes(linked)
    # Longer than fsspec reads ahead, so that ranges, or their lack, matter.
    (tmp_path / "crawl.warc").write_bytes(pack(responses(120, 8000), "warc"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        (found,) = pages(read(f"{address}/a.html"))
        assert (found.data, found.locator.file) == (linked, "a.html")
        items = read(f"{address}/crawl.warc", ReadSettings(shard_bytes=3_000_000))
        assert numbers(items) == list(range(120))
        assert not failures(items)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
def test_archives_tables_and_pages_are_read_from_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boto3 = pytest.importorskip("boto3")
    pytest.importorskip("s3fs")
    moto_server = pytest.importorskip("moto.server")
    server = moto_server.ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        for name, value in (
            ("AWS_ENDPOINT_URL", address),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ):
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="crawls")
        table = tmp_path / "t.parquet"
        pq.write_table(pa.table({"html": [page(n) for n in range(5)]}), table)
        damaged = bytearray(pack(responses(60), "warc.gz"))
        damaged[30_000:30_050] = bytes(50)
        for key, body in {
            "march/a.html": page(7),
            "march/crawl.warc.gz": pack(responses(60), "warc.gz"),
            "march/bad.warc.gz": bytes(damaged),
            "march/t.parquet": table.read_bytes(),
        }.items():
            client.put_object(Bucket="crawls", Key=key, Body=body)
        items = [item for shard in plan(["s3://crawls/march"], SMALL) for item in read_shard(shard, SMALL)]
        found = {name: [p for p in pages(items) if p.locator.file == name] for name in ("a.html", "t.parquet")}
        assert [p.data for p in found["a.html"]] == [page(7)]
        assert [p.data for p in found["t.parquet"]] == [page(n) for n in range(5)]
        whole = [p for p in pages(items) if p.locator.file == "crawl.warc.gz"]
        assert numbers(whole) == list(range(60))
        assert len([p for p in pages(items) if p.locator.file == "bad.warc.gz"]) in (58, 59)
        assert [(lost.locator.file, lost.kind) for lost in failures(items)] == [("bad.warc.gz", "corrupt")]
        assert len(plan(["s3://crawls/march"], SMALL)) > 4
        with pytest.raises(UsageError, match="nothing there"):
            plan(["s3://crawls/april"], SMALL)
    finally:
        server.stop()


@pytest.mark.slow
def test_archives_and_pages_are_read_from_google_cloud_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gcsfs")
    emulator = pytest.importorskip("gcp_storage_emulator.server")
    # It does not tell which port the system chose.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="crawls")
    server.start()
    try:
        damaged = bytearray(pack(responses(60), "warc.gz"))
        damaged[30_000:30_050] = bytes(50)
        for key, body in {
            "march/a.html": page(7),
            "march/crawl.warc.gz": pack(responses(60), "warc.gz"),
            "march/bad.warc.gz": bytes(damaged),
        }.items():
            upload = f"{address}/upload/storage/v1/b/crawls/o?uploadType=media&name={quote(key, safe='')}"
            urlopen(Request(upload, body, {"Content-Type": "application/octet-stream"})).close()
        shards = plan(["gs://crawls/march"], SMALL)
        items = [item for shard in shards for item in read_shard(shard, SMALL)]
        assert len(shards) > 4
        assert [p.data for p in pages(items) if p.locator.file == "a.html"] == [page(7)]
        assert numbers([p for p in pages(items) if p.locator.file == "crawl.warc.gz"]) == list(range(60))
        assert len([p for p in pages(items) if p.locator.file == "bad.warc.gz"]) in (58, 59)
        assert [(lost.locator.file, lost.kind) for lost in failures(items)] == [("bad.warc.gz", "corrupt")]
        with pytest.raises(UsageError, match="nothing there"):
            plan(["gs://crawls/april"], SMALL)
    finally:
        server.stop()
