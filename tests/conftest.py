"""The order in which the files are run."""


def pytest_collection_modifyitems(items):
    """Files with a slow test come first, so that no core ends alone with one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
