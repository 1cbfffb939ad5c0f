"""The order in which the files are run."""


def pytest_collection_modifyitems(items):
    """Files with a test that takes its time come first, so that no core ends alone with one."""
    first = {i.path for i in items if i.get_closest_marker("slow") or i.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in first)
