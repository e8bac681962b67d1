"""Two agents of a program's own, one of which dies: the other goes on, and the next process knows.

    ARCHFB_STATE=agents.db python examples/two_agents.py

An agent is any object that names its model and has async methods. What archfb remembers of the two lies in its state
file, so that the next process leaves the dead one alone from the beginning.
"""

from __future__ import annotations

import asyncio

from archfb import LoadBalancer, ModelManager


class Summarizer:
    """Stands for whatever asks a model: a client of a vendor, a local model, a framework's agent."""

    def __init__(self, model_name: str, *, alive: bool = True) -> None:
        """Name the model; one that is not alive fails each request."""
        self.model_name, self.alive, self.asked = model_name, alive, 0

    async def summarize(self, text: str) -> str:
        """Return the first words, as a model would do better."""
        self.asked += 1
        if not self.alive:
            raise ConnectionError(f"{self.model_name} does not answer")
        return f"{self.model_name}: {' '.join(text.split()[:4])} …"


async def main() -> None:
    """Ask six times, while the first agent is dead."""
    dead, well = Summarizer("dead", alive=False), Summarizer("well")
    balancer, manager = LoadBalancer(), ModelManager()
    balancer.register_agent("phase1", dead, weight=2.0)
    balancer.register_agent("phase1", well)
    manager.register_model("phase1", dead, fallbacks=[well])
    for _ in range(6):
        print(await balancer.execute_request("phase1", "summarize", "The order module keeps the carts."))
    print(f"dead was asked {dead.asked} times; {manager.get_healthy_model('phase1').model_name} is asked now")


if __name__ == "__main__":
    asyncio.run(main())
