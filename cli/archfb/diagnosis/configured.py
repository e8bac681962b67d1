"""The configuration, the keys it wants, and the models it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.diagnosis.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archfb.config.model import Config, Model, Provider
    from archfb.errors import ConfigurationError


def broken(error: ConfigurationError) -> Iterator[Finding]:
    """Yield every mistake of a configuration that cannot be used."""
    for problem in error.problems:
        yield Finding("wrong", "configuration", f"The configuration has mistakes: {problem}", error.hint or "")


def sources(config: Config) -> Iterator[Finding]:
    """Yield which files are in force, and what was noted while they were read."""
    layers = ", ".join(f"{layer.path} ({layer.name})" for layer in config.layers)
    yield Finding("ok", "configuration", f"Configuration from {layers}.")
    for note in config.notes:
        yield Finding("note", "configuration", note)


def keys(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield which keys are set, by the names of their variables, and what is wrong with their characters."""
    from archfb.config.actions import key_states, unsigned

    for one in key_states(config, environ):
        if not one.models or one.variable is None:
            continue
        if one.state == "set":
            yield Finding("ok", "keys", f"{one.variable} is set (used by {', '.join(one.models)}).")
        elif one.state == "invalid":
            yield Finding("wrong", "keys", one.sentence or "", "Set it again, without quotes, spaces or line breaks.")
        else:
            yield Finding(
                "note",
                "keys",
                one.sentence or "",
                f"To use {'it' if len(one.models) == 1 else 'them'}: export {one.variable}=…",
            )
    if silent := unsigned(config, environ):
        yield Finding("wrong", "keys", silent, f"export {config.alerts.secret_env}=…, or take secret_env out.")


def models(config: Config, retired: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the models that are known to be gone (`retired`: by name, why), or that no price is known of."""
    for name in config.chained:
        model = config.models[name]
        provider = config.providers[model.provider]
        where = f"{name} ('{model.id}' at {model.provider})"
        if name in retired:
            do = f'Name another in [models.{name}]: model = "…". `archfb reset {name}` has it looked at again.'
            yield Finding("wrong", "models", f"{where} is {retired[name]}.", do)
        elif unpriced(model, provider):
            do = f"Check the id; to count its cost set input_price and output_price in [models.{name}]."
            yield Finding("note", "models", f"The price data does not know {where}: its cost is unknown.", do)


def unpriced(model: Model, provider: Provider) -> bool:
    """Say whether nobody knows what a model costs."""
    from archfb.routing.prices import price

    found = price(model, provider)
    return found.input is None or found.output is None
