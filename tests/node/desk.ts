// The third chapter: staff at the desk close times, explain them, and move, change, find and cancel bookings.
import assert from 'node:assert/strict';

import { done, present } from './answer.js';
import type { Cast, Offer } from './cast.js';
import { at, WINDOW } from './day.js';
import * as run from './operations.js';

const OLA = { name: 'Ola Hansen', phone: '+47 22 33 44 55' };

export async function desk(cast: Cast, offer: Offer): Promise<void> {
  await away(cast, offer);
  const id = await bookAndMove(cast, offer);
  await find(cast, offer, id);

  const leaving = { bookingId: id, reason: 'Closed after all' };
  const { cancelBooking } = await cast.staff.mutate(run.CancelBookingDocument, { input: leaving });
  assert.equal(done(cancelBooking).booking?.status, 'CANCELLED');
}

async function away({ staff }: Cast, { massage, cara }: Offer): Promise<void> {
  const lunch = { optionId: cara, start: at('12:00', 1), end: at('13:00', 1), reason: 'Lunch' };
  const { timeOff } = done((await staff.mutate(run.CreateTimeOffDocument, { input: lunch })).createTimeOff);
  assert.deepEqual([timeOff?.title, timeOff?.blocks, timeOff?.options[0]?.id], ['Lunch', true, cara]);

  const asked = { serviceId: massage, optionId: cara, start: at('12:00', 1) };
  const { slotCheck } = await staff.query(run.ExplainSlotDocument, asked);
  const [reason] = slotCheck.reasons;
  assert.deepEqual([slotCheck.available, slotCheck.reasons.length, reason?.code], [false, 1, 'BUSY_TIME_OFF']);
  assert.deepEqual([reason?.from, reason?.to, reason?.entry?.id], [lunch.start, lunch.end, timeOff?.id]);

  const timeOffId = present(timeOff).id;
  const over = done((await staff.mutate(run.DeleteTimeOffDocument, { input: { timeOffId } })).deleteTimeOff);
  assert.equal(over.deletedId, timeOffId);
  assert.equal((await staff.query(run.ExplainSlotDocument, asked)).slotCheck.available, true);
}

/** Books for somebody on the telephone, outside the hours at last: the booking's id. */
async function bookAndMove({ staff }: Cast, { massage, cara }: Offer): Promise<string> {
  const wanted = { serviceId: massage, optionId: cara, start: at('09:00', 1), customer: OLA };
  const { booking } = done((await staff.mutate(run.BookDocument, { input: wanted })).createBooking);
  const { id, version } = present(booking);

  const day = { from: at('00:00', 1), to: at('00:00', 2) };
  const asked = { serviceId: massage, movingBookingId: id, ...day };
  const { availability } = await staff.query(run.SlotOverviewDocument, asked);
  const slots = availability.days.flatMap((each) => each.slots);
  assert.equal(slots[0]?.start, at('09:00', 1), 'a booking is not in its own way');
  assert.deepEqual(slots[0]?.options, [{ ...slots[0]?.options[0], id: cara }]);

  const dragged = { bookingId: id, start: at('18:00', 1), optionId: cara, expectedVersion: version };
  const late = await staff.mutate(run.RescheduleBookingDocument, { input: dragged });
  assert.equal(late.rescheduleBooking?.errors[0]?.code, 'OUTSIDE_OPENING_HOURS');
  const insisting = { ...dragged, overrideRules: true };
  const moved = done((await staff.mutate(run.RescheduleBookingDocument, { input: insisting })).rescheduleBooking);
  assert.deepEqual([moved.booking?.start, moved.booking?.version], [at('18:00', 1), version + 1]);

  const noted = { bookingId: id, note: 'Asked for Cara', customer: { ...OLA, email: 'ola@example.no' } };
  const updated = done((await staff.mutate(run.UpdateBookingDocument, { input: noted })).updateBooking);
  assert.deepEqual([updated.booking?.note, updated.booking?.customer?.email], ['Asked for Cara', 'ola@example.no']);
  return id;
}

async function find({ staff }: Cast, { massage, cara }: Offer, id: string): Promise<void> {
  const filter: run.BookingFilter = { optionIds: [cara], statuses: ['CONFIRMED'], query: 'ola', ...WINDOW };
  const { bookings } = await staff.query(run.BookingsDocument, { filter, first: 10 });
  assert.deepEqual([bookings.totalCount, bookings.edges.length], [1, 1]);
  const edge = present(bookings.edges[0]);
  assert.deepEqual([edge.node.id, edge.cursor], [id, bookings.pageInfo.endCursor]);
  assert.equal(present(edge.node.history).length, 3);

  const { node } = await staff.query(run.RefetchDocument, { id });
  assert.ok(node?.__typename === 'Booking');
  assert.equal(node.reference, edge.node.reference);
  const { nodes } = await staff.query(run.RefetchManyDocument, { ids: [massage, cara, id] });
  assert.deepEqual(nodes.map((each) => each.__typename), ['Service', 'Option', 'Booking']);
}
