import gc

import pytest

from infra.imports import without_collecting


def test_the_garbage_collector_rests_while_modules_are_imported() -> None:
    with without_collecting():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_garbage_collector_works_again_after_an_import_that_failed() -> None:
    with pytest.raises(ImportError), without_collecting():
        raise ImportError
    assert gc.isenabled()
