"""What the staff do with the stock: change it, take items off sale, and look at what was changed."""

from gateway.domain.staff import StockHistory, StockOrder
from gateway.domain.tickets import LiveStock
from gateway.tickets.staff import StaffDepartments, department_of


class StockChanges:
    """The stock of all departments, for their staff. Every method raises StaffError and FieldNotAllowed."""

    def __init__(self, departments: StaffDepartments) -> None:
        self._departments = departments

    async def change(self, department: str, order: StockOrder) -> LiveStock:
        """Change an item's stock once, and return it as it is now."""
        return await department_of(self._departments, department).change_stock(order)

    async def set_on_sale(self, department: str, item: str, *, on_sale: bool, changed_by: str) -> LiveStock:
        """Take an item off sale or put it back, and return its stock."""
        staffed = department_of(self._departments, department)
        return await staffed.set_on_sale(item, on_sale=on_sale, changed_by=changed_by)

    async def history(self, department: str, item: str, before: int, limit: int) -> StockHistory:
        """Return a page of an item's changes below a revision (0: the newest), the newest first."""
        return await department_of(self._departments, department).stock_changes(item, before, limit)
