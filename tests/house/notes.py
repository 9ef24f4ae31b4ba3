"""A toy product: what one needs besides the declaration of its `Api`, in as few lines as the public pieces allow."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta, Struct

from kms_mock.rpc.api import operation
from kms_mock.rpc.context import Context
from kms_mock.rpc.errors import ErrorSpec
from kms_mock.store.resource import Resource

NoteId = Annotated[str, Meta(max_length=8)]
NOTE_NOT_FOUND = ErrorSpec(404, "Note.NotFound", "The note is not found.")


class Note(Struct, frozen=True):
    id: str
    text: str


class Saved(TypedDict):
    NoteId: str


class Shown(Saved):
    Text: str


notes = Resource(Note, "note", missing=NOTE_NOT_FOUND)


@operation("SaveNote")
def save_note(ctx: Context, *, note_id: NoteId, text: str) -> Saved:
    ctx.authorize(ctx.arn(f"note/{note_id}"))
    ctx.partition[notes].put(Note(note_id, text))
    return {"NoteId": note_id}


@operation("GetNote", errors=(NOTE_NOT_FOUND,))
def get_note(ctx: Context, *, note_id: NoteId) -> Shown:
    ctx.authorize(ctx.arn(f"note/{note_id}"))
    return {"NoteId": note_id, "Text": ctx.partition[notes].find(note_id).text}
