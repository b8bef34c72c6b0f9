// What every peer answers questions from: bookings with their option and service, by one joined statement. No keys, no
// roles, no pages.
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })

const JOINED = `
  SELECT b.id, b.starts_at, b.ends_at, b.status, b.customer_name, b.customer_email,
         o.id AS option_id, o.name AS option_name, s.id AS service_id, s.name AS service_name
  FROM booking b JOIN option o ON o.id = b.option_id JOIN service s ON s.id = b.service_id`
const SOME = { name: 'some', text: `${JOINED} WHERE b.starts_at >= $1 AND b.starts_at < $2 ORDER BY b.starts_at LIMIT $3` }
const ONE = { name: 'one', text: `${JOINED} WHERE b.id = $1` }

export const port = Number(process.argv[2])

export const typeDefs = /* GraphQL */ `
  scalar DateTime
  enum BookingStatus { CONFIRMED COMPLETED CANCELLED NO_SHOW }
  type Customer { name: String! email: String! }
  type Option { id: ID! name: String! }
  type Service { id: ID! name: String! }
  type Booking {
    id: ID!
    start: DateTime!
    end: DateTime!
    status: BookingStatus!
    customer: Customer!
    option: Option!
    service: Service!
  }
  type Query { bookings(from: DateTime!, to: DateTime!, first: Int!): [Booking!]! booking(id: ID!): Booking }
`

export const DATE_TIME = {
  name: 'DateTime',
  serialize: (value) => value.toISOString(),
  parseValue: (value) => new Date(value),
}

export const Query = {
  bookings: async (_, { from, to, first }) => (await pool.query({ ...SOME, values: [from, to, first] })).rows.map(shown),
  booking: async (_, { id }) => (await pool.query({ ...ONE, values: [id] })).rows.map(shown)[0] ?? null,
}

function shown(row) {
  return {
    id: row.id,
    start: row.starts_at,
    end: row.ends_at,
    status: row.status,
    customer: { name: row.customer_name, email: row.customer_email },
    option: { id: row.option_id, name: row.option_name },
    service: { id: row.service_id, name: row.service_name },
  }
}
