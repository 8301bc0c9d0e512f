"""How queues keep their messages, declared once: the laptop's cloud and the infrastructure code create them from here."""

# A message that failed so often goes to the dead-letter queue.
MAX_RECEIVES = 5
_DAY = 24 * 3600
# A dead letter's age counts from its first sending: what fails on its last day of waiting must still be there for a person.
KEPT_WAITING, KEPT_DEAD = 4 * _DAY, 14 * _DAY
