"""The gateway's client of the department service: calls, batches, deadlines, breaker."""

from generated.restaurant import v1
from infra.grpc.plain_messages import use_plain_attributes

use_plain_attributes(v1.PlaceOrdersRequest, v1.PlaceOrdersResponse, v1.StreamOrdersRequest, v1.StreamOrdersResponse)
use_plain_attributes(v1.ChangedTickets, v1.ChangedStock, v1.MoveTicketRequest, v1.TicketLine, v1.StockLevel)
