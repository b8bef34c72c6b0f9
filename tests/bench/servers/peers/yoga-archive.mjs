// GraphQL Yoga, asked questions.
import { createServer } from 'node:http'
import { GraphQLScalarType } from 'graphql'
import { createSchema, createYoga } from 'graphql-yoga'
import { DATE_TIME, port, Query, typeDefs } from './archive.mjs'

const resolvers = { DateTime: new GraphQLScalarType(DATE_TIME), Query }
const yoga = createYoga({ schema: createSchema({ typeDefs, resolvers }), logging: false })
createServer((request, response) => (request.url === '/' ? response.end('up') : yoga(request, response))).listen(
  port,
  '127.0.0.1',
  1024,
)
