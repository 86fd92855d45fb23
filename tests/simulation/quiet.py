"""Keeps the programs' logs out of the way: a simulation makes thousands of failures on purpose."""

import logging

import structlog


def be_quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
