const fastify = require('fastify')({ logger: true })

fastify.get('/', async () => ({ hello: 'world' }))

const start = async () => {
  try {
    await fastify.listen({ port: process.env.PORT ?? 3000 })
  } catch (error) {
    fastify.log.error(error)
    process.exit(1)
  }
}
start()
