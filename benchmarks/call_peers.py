"""One peer's calls, measured in an environment of its own: LiteLLM's Router or pydantic-ai's FallbackModel.

    python benchmarks/call_peers.py NAME URL IN_FLIGHT SECONDS

Prints [calls a second, milliseconds of CPU each]. `call.py --peers` runs it, taking turns with everything else. Each
peer has four deployments that all stand at the scripted server, and its health checks, retries and logs as they are
by default, since archfb's are on too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from typing import TYPE_CHECKING

from measuring import measure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from measuring import Call

DEPLOYMENTS = 4


@contextlib.asynccontextmanager
async def litellm_router(url: str) -> AsyncIterator[Call]:
    """Ask through LiteLLM's Router, with the prices that it carries instead of asking the network for them."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    deployment = {"api_base": url, "api_key": "k"}
    models = [
        {"model_name": "m", "litellm_params": {**deployment, "model": f"openai/m{n}"}} for n in range(DEPLOYMENTS)
    ]
    router = litellm.Router(model_list=models)

    async def call(_: int) -> None:
        got = await router.acompletion("m", messages=[{"role": "user", "content": "hi"}])
        if got.choices[0].message.content != "ok":
            raise RuntimeError(got)

    yield call


@contextlib.asynccontextmanager
async def pydantic_fallback(url: str) -> AsyncIterator[Call]:
    """Ask through pydantic-ai's FallbackModel."""
    from pydantic_ai.direct import model_request
    from pydantic_ai.messages import ModelRequest
    from pydantic_ai.models.fallback import FallbackModel
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(base_url=url, api_key="k")
    model = FallbackModel(*(OpenAIChatModel(f"m{n}", provider=provider) for n in range(DEPLOYMENTS)))

    async def call(_: int) -> None:
        got = await model_request(model, [ModelRequest.user_text_prompt("hi")])
        if got.text != "ok":
            raise RuntimeError(got)

    yield call


PEERS = {"litellm": litellm_router, "pydantic-ai": pydantic_fallback}


async def main(name: str, url: str, slots: int, seconds: float) -> None:
    """Measure one peer and print its rate."""
    logging.disable(logging.WARNING)
    async with PEERS[name](url) as call:
        print(json.dumps(await measure(call, slots, seconds)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
