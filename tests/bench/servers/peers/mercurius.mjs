// Mercurius with its JIT and its own pubsub.
import Fastify from 'fastify'
import { GraphQLScalarType } from 'graphql'
import mercurius from 'mercurius'
import { book, changeOf, DATE_TIME, port, typeDefs } from './shop.mjs'

const resolvers = {
  DateTime: new GraphQLScalarType(DATE_TIME),
  Query: { bookings: () => 0 },
  Mutation: {
    createBooking: async (_, { input }, { pubsub }) => {
      const booking = await book(input)
      await pubsub.publish({ topic: 'changes', payload: { calendarChanges: changeOf(booking) } })
      return { booking, errors: [] }
    },
  },
  Subscription: { calendarChanges: { subscribe: (_, __, { pubsub }) => pubsub.subscribe('changes') } },
}

const app = Fastify()
app.register(mercurius, { schema: typeDefs, resolvers, jit: 1, subscription: true })
app.get('/', () => 'up')
await app.listen({ port, host: '127.0.0.1', backlog: 1024 })
