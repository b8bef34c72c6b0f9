// GraphQL Yoga, and graphql-ws on the way that Yoga's documentation shows.
import { createServer } from 'node:http'
import { GraphQLScalarType } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { createPubSub, createSchema, createYoga } from 'graphql-yoga'
import { WebSocketServer } from 'ws'
import { book, changeOf, DATE_TIME, port, typeDefs } from './shop.mjs'

const pubsub = createPubSub()
const resolvers = {
  DateTime: new GraphQLScalarType(DATE_TIME),
  Query: { bookings: () => 0 },
  Mutation: {
    createBooking: async (_, { input }) => {
      const booking = await book(input)
      pubsub.publish('changes', changeOf(booking))
      return { booking, errors: [] }
    },
  },
  Subscription: { calendarChanges: { subscribe: () => pubsub.subscribe('changes'), resolve: (change) => change } },
}

const yoga = createYoga({ schema: createSchema({ typeDefs, resolvers }), logging: false })
const server = createServer((request, response) => (request.url === '/' ? response.end('up') : yoga(request, response)))
const sockets = new WebSocketServer({ server, path: yoga.graphqlEndpoint, perMessageDeflate: false })
useServer(
  {
    execute: (args) => args.rootValue.execute(args),
    subscribe: (args) => args.rootValue.subscribe(args),
    onSubscribe: async (context, _id, params) => {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        ...context,
        req: context.extra.request,
        socket: context.extra.socket,
        params,
      })
      const document = parse(params.query)
      const errors = validate(schema, document)
      if (errors.length) return errors
      return {
        schema,
        document,
        operationName: params.operationName,
        variableValues: params.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      }
    },
  },
  sockets,
)
server.listen(port, '127.0.0.1', 1024)
