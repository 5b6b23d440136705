# SPDX-License-Identifier: ISC
"""peer_fastapi.py - a service that a user would write instead: FastAPI, SQLite.

It does the same work as artifactd's create, detail, list, raw, upload and
delete: durable (WAL with synchronous=FULL), with hashed content, in one
database whose path is in PEER_DATABASE. uvicorn runs it with two workers,
uvloop and httptools, behind nginx with kept connections, as uvicorn's page on
deployment says.
"""
import datetime
import hashlib
import os
import sqlite3
import uuid
from typing import Optional

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel

app = FastAPI()
database = None


class Create(BaseModel):
    workflow_id: str
    artifact_type: str
    title: str
    content: str
    phase_id: Optional[str] = None
    session_id: Optional[str] = None


@app.on_event("startup")
def open_database():
    global database
    database = sqlite3.connect(os.environ["PEER_DATABASE"],
                               check_same_thread=False, timeout=30,
                               isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS artifact (id TEXT PRIMARY KEY,"
        " workflow_id TEXT, phase_id TEXT, session_id TEXT,"
        " artifact_type TEXT, title TEXT, created_at TEXT,"
        " content_hash TEXT, size_bytes INTEGER, content_id TEXT)")
    database.execute("CREATE TABLE IF NOT EXISTS content"
                     " (id TEXT PRIMARY KEY, bytes BLOB)")
    for column in ("workflow_id", "phase_id", "artifact_type"):
        database.execute(f"CREATE INDEX IF NOT EXISTS by_{column}"
                         f" ON artifact ({column}, created_at)")
    database.execute("CREATE INDEX IF NOT EXISTS by_time"
                     " ON artifact (created_at)")


def now():
    return datetime.datetime.utcnow().isoformat() + "Z"


@app.post("/artifacts", status_code=201)
async def create(body: Create):
    key, content_id = str(uuid.uuid4()), str(uuid.uuid4())
    content = body.content.encode()
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO content VALUES (?,?)",
                     (content_id, content))
    database.execute(
        "INSERT INTO artifact VALUES (?,?,?,?,?,?,?,?,?,?)",
        (key, body.workflow_id, body.phase_id, body.session_id,
         body.artifact_type, body.title, now(),
         hashlib.sha256(content).hexdigest(), len(content), content_id))
    database.execute("COMMIT")
    return {"id": key, "title": body.title,
            "artifact_type": body.artifact_type, "status": "created"}


SUMMARY = ("id", "workflow_id", "phase_id", "artifact_type", "title",
           "size_bytes", "created_at")
DETAIL = SUMMARY + ("session_id", "content_hash")


@app.get("/artifacts")
async def page(workflow_id: Optional[str] = None,
               phase_id: Optional[str] = None,
               artifact_type: Optional[str] = None, limit: int = 50):
    wanted = {"workflow_id": workflow_id, "phase_id": phase_id,
              "artifact_type": artifact_type}
    wanted = {k: v for k, v in wanted.items() if v is not None}
    where = " AND ".join(f"{k} = ?" for k in wanted)
    rows = database.execute(
        f"SELECT {','.join(SUMMARY)} FROM artifact"
        f"{' WHERE ' + where if where else ''}"
        " ORDER BY created_at DESC LIMIT ?", (*wanted.values(), limit))
    return [dict(zip(SUMMARY, row)) for row in rows]


def find(key, columns):
    row = database.execute(
        f"SELECT {','.join(columns)} FROM artifact WHERE id = ?",
        (key,)).fetchone()
    if row is None:
        raise HTTPException(404, "Artifact not found")
    return row


def bytes_of(key):
    row = database.execute(
        "SELECT bytes FROM artifact JOIN content"
        " ON content.id = content_id WHERE artifact.id = ?",
        (key,)).fetchone()
    if row is None:
        raise HTTPException(404, "Artifact not found")
    return row[0]


@app.get("/artifacts/{key}")
async def detail(key: str, include_content: bool = True):
    answer = dict(zip(DETAIL, find(key, DETAIL)))
    if include_content:
        answer["content"] = bytes_of(key).decode("utf-8", "replace")
    return answer


@app.get("/artifacts/{key}/raw")
async def raw(key: str):
    return Response(bytes_of(key), media_type="application/octet-stream")


@app.delete("/artifacts/{key}", status_code=204)
async def delete(key: str):
    content_id = find(key, ("content_id",))[0]
    database.execute("BEGIN IMMEDIATE")
    database.execute("DELETE FROM artifact WHERE id = ?", (key,))
    database.execute("DELETE FROM content WHERE id = ?", (content_id,))
    database.execute("COMMIT")
    return Response(status_code=204)


@app.put("/artifacts/{key}/raw")
async def upload(key: str, request: Request):
    content = await request.body()
    # A row that is new each time: SQLite skips writing equal bytes.
    old = find(key, ("content_id",))[0]
    fresh = str(uuid.uuid4())
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO content VALUES (?,?)", (fresh, content))
    database.execute(
        "UPDATE artifact SET content_id = ?, content_hash = ?,"
        " size_bytes = ? WHERE id = ?",
        (fresh, hashlib.sha256(content).hexdigest(), len(content), key))
    database.execute("DELETE FROM content WHERE id = ?", (old,))
    database.execute("COMMIT")
    return {"artifact_id": key, "status": "uploaded"}
