// Mercurius with its JIT, asked questions.
import Fastify from 'fastify'
import { GraphQLScalarType } from 'graphql'
import mercurius from 'mercurius'
import { DATE_TIME, port, Query, typeDefs } from './archive.mjs'

const app = Fastify()
app.register(mercurius, {
  schema: typeDefs,
  resolvers: { DateTime: new GraphQLScalarType(DATE_TIME), Query },
  jit: 1,
})
app.get('/', () => 'up')
await app.listen({ port, host: '127.0.0.1', backlog: 1024 })
