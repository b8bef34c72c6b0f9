// What every peer serves: one option, one service, and bookings in a table. An event is one INSERT, and then an object
// from memory: no log, no rules, no keys.
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })

await pool.query(`
  CREATE TABLE IF NOT EXISTS booking (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    option_id text NOT NULL,
    service_id text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    status text NOT NULL,
    customer_name text NOT NULL,
    note text
  )
`)

const INSERT = {
  name: 'insert',
  text: `INSERT INTO booking (option_id, service_id, starts_at, ends_at, status, customer_name, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
}
const MINUTES = 15

export const port = Number(process.argv[2])

export const typeDefs = /* GraphQL */ `
  scalar DateTime
  enum ChangeAction { UPSERTED REMOVED }
  enum BookingStatus { CONFIRMED CANCELLED }
  type Customer { name: String! }
  type Option { id: ID! name: String! }
  type Service { id: ID! name: String! }
  type Booking {
    id: ID!
    start: DateTime!
    end: DateTime!
    status: BookingStatus!
    note: String
    customer: Customer!
    option: Option!
    service: Service!
  }
  type CalendarChange { cursor: String! action: ChangeAction! entry: Booking }
  type UserError { code: String! }
  type CreateBookingPayload { booking: Booking errors: [UserError!]! }
  input CustomerInput { name: String! }
  input CreateBookingInput { optionId: ID! serviceId: ID! start: DateTime! note: String customer: CustomerInput! }
  type Query { bookings: Int! }
  type Mutation { createBooking(input: CreateBookingInput!): CreateBookingPayload! }
  type Subscription { calendarChanges: CalendarChange! }
`

export const DATE_TIME = {
  name: 'DateTime',
  serialize: (value) => value.toISOString(),
  parseValue: (value) => new Date(value),
}

let changes = 0

export async function book({ optionId, serviceId, start, note, customer }) {
  const end = new Date(start.getTime() + MINUTES * 60_000)
  const values = [optionId, serviceId, start, end, 'CONFIRMED', customer.name, note]
  const { rows } = await pool.query({ ...INSERT, values })
  const option = { id: optionId, name: 'Anna' }
  const service = { id: serviceId, name: 'Cut' }
  return { id: rows[0].id, start, end, status: 'CONFIRMED', note, customer, option, service }
}

export function changeOf(booking) {
  changes += 1
  return { cursor: String(changes), action: 'UPSERTED', entry: booking }
}
