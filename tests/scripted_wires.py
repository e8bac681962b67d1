"""The bodies that the scripted server sends: one answer or one error in each of the four protocols."""

from __future__ import annotations

import json
from typing import Any

FINISH = {
    "chat": {"stop": "stop", "length": "length", "refusal": "content_filter", "tool": "tool_calls"},
    "responses": {
        "stop": "completed",
        "length": "max_output_tokens",
        "refusal": "content_filter",
        "tool": "completed",
    },
    "messages": {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal", "tool": "tool_use"},
    "gemini": {"stop": "STOP", "length": "MAX_TOKENS", "refusal": "SAFETY", "tool": "STOP"},
}
ERROR_TYPES = {
    429: ("rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED"),
    401: ("invalid_api_key", "authentication_error", "UNAUTHENTICATED"),
    403: ("permission_denied", "permission_error", "PERMISSION_DENIED"),
    404: ("model_not_found", "not_found_error", "NOT_FOUND"),
    400: (None, "invalid_request_error", "INVALID_ARGUMENT"),
    413: ("context_length_exceeded", "request_too_large", "INVALID_ARGUMENT"),
    529: ("overloaded", "overloaded_error", "UNAVAILABLE"),
    503: ("service_unavailable", "overloaded_error", "UNAVAILABLE"),
    500: ("server_error", "api_error", "INTERNAL"),
}


def usage_of(say: dict[str, Any]) -> dict[str, Any]:
    """Return input, output, reasoning and cached tokens of one behaviour."""
    given = say.get("usage") or {}
    return {"input": 11, "output": 7, "reasoning": 0, "cached": 0, **given}


def pieces(text: str, count: int) -> list[str]:
    """Return the text in at most `count` parts of about the same size."""
    size = max(1, -(-len(text) // count))
    return [text[at : at + size] for at in range(0, len(text), size)]


def event(data: Any, name: str | None = None) -> bytes:
    """Return one server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


def _chat_usage(say: dict[str, Any]) -> dict[str, Any]:
    use = usage_of(say)
    return {
        "prompt_tokens": use["input"],
        "completion_tokens": use["output"],
        "total_tokens": 0 if not isinstance(use["input"], int) else use["input"],
        "prompt_tokens_details": {"cached_tokens": use["cached"]},
        "completion_tokens_details": {"reasoning_tokens": use["reasoning"]},
    }


def chat_plain(model: str, say: dict[str, Any], finish: str) -> Any:
    message: dict[str, Any] = {"role": "assistant", "content": say["text"]}
    if say.get("thought"):
        message["reasoning_content"] = say["thought"]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        **({} if say.get("no_usage") else {"usage": _chat_usage(say)}),
    }


def chat_events(model: str, say: dict[str, Any], finish: str) -> list[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return event(
            {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": choices, **more}
        )

    out = [chunk({"role": "assistant", "content": ""})]
    out += [chunk({"reasoning_content": part}) for part in pieces(say.get("thought", ""), 3)]
    out += [chunk({"content": part}) for part in pieces(say["text"], 8)]
    out.append(chunk({}, finish))
    if not say.get("no_usage"):
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model}
        out.append(event({**head, "choices": [], "usage": _chat_usage(say)}))
    return [*out, event("[DONE]")]


def _responses_object(model: str, say: dict[str, Any], finish: str, text: str) -> dict[str, Any]:
    use = usage_of(say)
    cut = finish in ("max_output_tokens", "content_filter")
    output: list[dict[str, Any]] = []
    if say.get("thought"):
        summary = [{"type": "summary_text", "text": say["thought"]}]
        output.append({"type": "reasoning", "id": "rs_1", "summary": summary})
    content = [{"type": "output_text", "text": text, "annotations": []}]
    output.append({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content})
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "incomplete" if cut else "completed",
        "error": None,
        "incomplete_details": {"reason": finish} if cut else None,
        "model": model,
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": None
        if say.get("no_usage")
        else {
            "input_tokens": use["input"],
            "input_tokens_details": {"cached_tokens": use["cached"]},
            "output_tokens": use["output"],
            "output_tokens_details": {"reasoning_tokens": use["reasoning"]},
            "total_tokens": 18,
        },
    }


def responses_plain(model: str, say: dict[str, Any], finish: str) -> Any:
    return _responses_object(model, say, finish, say["text"])


def responses_events(model: str, say: dict[str, Any], finish: str) -> list[bytes]:
    number = iter(range(1000))

    def one(kind: str, **fields: Any) -> bytes:
        return event({"type": kind, "sequence_number": next(number), **fields}, kind)

    whole = _responses_object(model, say, finish, say["text"])
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    out = [one("response.created", response=begun), one("response.in_progress", response=begun)]
    thought = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
    out += [
        one("response.reasoning_summary_text.delta", **thought, delta=part)
        for part in pieces(say.get("thought", ""), 3)
    ]
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
    out.append(one("response.output_item.added", output_index=0, item=item))
    out.append(one("response.content_part.added", **at, part={"type": "output_text", "text": "", "annotations": []}))
    out += [one("response.output_text.delta", **at, delta=part, logprobs=[]) for part in pieces(say["text"], 8)]
    out.append(one("response.output_text.done", **at, text=say["text"], logprobs=[]))
    out.append(one("response.output_item.done", output_index=0, item=whole["output"][-1]))
    return [*out, one(f"response.{whole['status']}", response=whole)]


def _messages_usage(say: dict[str, Any]) -> dict[str, Any]:
    use = usage_of(say)
    return {
        "input_tokens": use["input"],
        "output_tokens": use["output"],
        "cache_read_input_tokens": use["cached"],
        "cache_creation_input_tokens": 0,
    }


def messages_plain(model: str, say: dict[str, Any], finish: str) -> Any:
    content: list[dict[str, Any]] = []
    if say.get("thought"):
        content.append({"type": "thinking", "thinking": say["thought"], "signature": "s"})
    if say["text"]:
        content.append({"type": "text", "text": say["text"]})
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": content}
    return {**head, "stop_reason": finish, "stop_sequence": None, "usage": _messages_usage(say)}


def messages_events(model: str, say: dict[str, Any], finish: str) -> list[bytes]:
    def one(kind: str, **fields: Any) -> bytes:
        return event({"type": kind, **fields}, kind)

    begun = {**messages_plain(model, {**say, "text": "", "thought": ""}, ""), "stop_reason": None}
    begun["usage"] = {**begun["usage"], "output_tokens": 1}
    out = [one("message_start", message=begun), one("ping")]
    index = 0
    if say.get("thought"):
        block = {"type": "thinking", "thinking": "", "signature": ""}
        out.append(one("content_block_start", index=0, content_block=block))
        deltas = [{"type": "thinking_delta", "thinking": part} for part in pieces(say["thought"], 3)]
        out += [one("content_block_delta", index=0, delta=delta) for delta in deltas]
        out.append(one("content_block_stop", index=0))
        index = 1
    if say["text"]:
        out.append(one("content_block_start", index=index, content_block={"type": "text", "text": ""}))
        deltas = [{"type": "text_delta", "text": part} for part in pieces(say["text"], 8)]
        out += [one("content_block_delta", index=index, delta=delta) for delta in deltas]
        out.append(one("content_block_stop", index=index))
    ended = {"stop_reason": finish, "stop_sequence": None}
    out.append(one("message_delta", delta=ended, usage={"output_tokens": usage_of(say)["output"]}))
    return [*out, one("message_stop")]


def _gemini_chunk(model: str, parts: list[dict[str, Any]], finish: str | None, use: dict[str, Any]) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    counts = {"promptTokenCount": use["input"], "candidatesTokenCount": use["output"], "totalTokenCount": 18}
    if use["reasoning"]:
        counts["thoughtsTokenCount"] = use["reasoning"]
    return {"candidates": [candidate], "usageMetadata": counts, "modelVersion": model, "responseId": "r1"}


def gemini_plain(model: str, say: dict[str, Any], finish: str) -> Any:
    parts = [{"text": say["thought"], "thought": True}] if say.get("thought") else []
    return _gemini_chunk(model, [*parts, {"text": say["text"]}], finish, usage_of(say))


def gemini_events(model: str, say: dict[str, Any], finish: str) -> list[bytes]:
    use = usage_of(say)
    out = [
        event(_gemini_chunk(model, [{"text": part, "thought": True}], None, use))
        for part in pieces(say.get("thought", ""), 3)
    ]
    parts = pieces(say["text"], 8) or [""]
    out += [event(_gemini_chunk(model, [{"text": part}], None, use)) for part in parts[:-1]]
    return [*out, event(_gemini_chunk(model, [{"text": parts[-1]}], finish, use))]


PLAIN = {"chat": chat_plain, "responses": responses_plain, "messages": messages_plain, "gemini": gemini_plain}
EVENTS = {"chat": chat_events, "responses": responses_events, "messages": messages_events, "gemini": gemini_events}


def error_body(wire: str, status: int, message: str, code: str | None = None) -> dict[str, Any]:
    """Return an error in the shape of one protocol, with its usual code for the status."""
    openai, anthropic, google = ERROR_TYPES.get(status, (None, "api_error", "INTERNAL"))
    if wire == "messages":
        return {"type": "error", "error": {"type": code or anthropic, "message": message}, "request_id": "req_1"}
    if wire == "gemini":
        return {"error": {"code": status, "message": message, "status": code or google}}
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code or openai}}


def error_event(wire: str, status: int, message: str, code: str | None = None) -> bytes:
    """Return the same error as it comes inside a stream."""
    body = error_body(wire, status, message, code)
    if wire == "messages":
        return event(body, "error")
    if wire == "responses":
        return event({"type": "error", "sequence_number": 9, "error": body["error"]}, "error")
    return event(body)


def metadata_body(path: str, model: str | None, known: list[str]) -> Any:
    """Return what the free addresses say: a model, the list of models, tags, or a balance."""
    if path.endswith("/api/tags"):
        return {"models": [{"name": one, "model": one} for one in known]}
    if path.endswith("/user/balance"):
        return {"is_available": True, "balance_infos": [{"currency": "USD", "total_balance": "5.00"}]}
    if model is not None:
        named = {"id": model, "name": f"models/{model}", "object": "model", "type": "model"}
        return {**named, "created": 1, "owned_by": "tests", "display_name": model}
    each = [{"id": one, "object": "model", "created": 1, "owned_by": "tests"} for one in known]
    return {"object": "list", "data": each}
