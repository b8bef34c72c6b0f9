"""What operators can watch at /metrics: how many follow, how much is executed for them, and how answers are made."""

from prometheus_client import Counter, Gauge

SUBSCRIBERS = Gauge("timebok_subscribers", "Subscriptions that are open in this process.")
GROUPS = Gauge("timebok_groups", "Groups of equal subscriptions: each is executed once per change.")
MEMBERS = Gauge("timebok_members", "Subscriptions that are in a group, and not still catching up by themselves.")
MESSAGES = Counter("timebok_messages", "Messages that groups were executed for.")
DELIVERIES = Counter("timebok_deliveries", "Messages that were handed to subscribers who keep up.")
LAGGING = Counter("timebok_lagging", "Times that a subscriber fell so far behind that it went back to the log.")
LOOKS = Counter("timebok_availability_looks", "Times that a group of those who follow slots was looked after.")
READINGS = Counter("timebok_availability_readings", "Times that slots were worked out for those who follow them.")
FALLBACKS = Counter("timebok_completer_fallbacks", "Answers begun by generated code that graphql-core had to finish.")
DIRECT = Counter("timebok_direct_answers", "Requests by HTTP whose document was known, and ran.")
