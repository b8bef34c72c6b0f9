"""The domain: ground floor; imports nothing of ours from above.

The words, used with these meanings everywhere:

- business: the tenant; owns everything below; the unit of isolation, ordering and sharding
- option: what is booked (a person, a room, a car)
- service: what a customer books; offered by some options
- opening hours, date override, time off: when an option can be booked
- slot: one bookable `[start, end)` of a service, with the options that are free
- hold: a slot kept for a customer for some minutes
- booking: a slot taken; keeps its id for life
- claim: the range a booking or a hold occupies, buffers included
- Google account, calendar, link, event: a Google identity, a calendar that we follow, the tie between an option and
  a calendar, an entry that somebody else made
- mirror: the one event in Google that stands for one booking on one calendar
- change, cursor: one entry of a business's ordered log; a position in it
"""
