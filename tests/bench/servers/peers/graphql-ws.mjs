// graphql-ws and graphql-js, and nothing between them: the leanest documented way in Node.
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { buildSchema, graphql } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { createPubSub } from 'graphql-yoga'
import { WebSocketServer } from 'ws'
import { book, changeOf, DATE_TIME, port, typeDefs } from './shop.mjs'

const pubsub = createPubSub()
const schema = buildSchema(typeDefs)
Object.assign(schema.getType('DateTime'), DATE_TIME)
schema.getSubscriptionType().getFields().calendarChanges.subscribe = () => pubsub.subscribe('changes')
schema.getSubscriptionType().getFields().calendarChanges.resolve = (change) => change
schema.getMutationType().getFields().createBooking.resolve = async (_, { input }) => {
  const booking = await book(input)
  pubsub.publish('changes', changeOf(booking))
  return { booking, errors: [] }
}

const server = createServer(async (request, response) => {
  if (request.method !== 'POST') return response.end('up')
  const { query, variables } = JSON.parse(await text(request))
  const answer = JSON.stringify(await graphql({ schema, source: query, variableValues: variables }))
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) })
  return response.end(answer)
})
useServer({ schema }, new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false }))
server.listen(port, '127.0.0.1', 1024)
