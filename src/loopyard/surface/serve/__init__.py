"""A policy behind a websocket: many robots, one network, and a standstill where something is wrong.

wire          messages as msgpack frames
interface     what a policy sees and does, and what differs from what a client expects
observation   an observation that may be shown to a policy
session       one client: its running chunk, and the answer to each of its observations
batcher       what waits is predicted in one forward pass
metrics       counts and latencies
door          who may come in, and what plain HTTP is told
server        the websocket
connection    the websocket's other end, at a client
link          kept by a client, and made again where it is lost
"""
