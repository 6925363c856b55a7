/* One connection of the agent and the caller's end of it, in one thread: nothing moves between
 * them but when the test says so. */
#ifndef HINTSIGN_TESTS_WIRE_H
#define HINTSIGN_TESTS_WIRE_H

#include "agent/conn.h"

/* The agent's end; NULL once it is closed. */
extern struct conn *wire_conn;

/* Connects ourselves as the caller, through the listener "default". A `send_buffer` other than 0
 * is the size of the agent's. Ends the connection before. */
void wire_open(struct service *service, int send_buffer);
void wire_close(void);

/* Sends bytes, as many as the socket takes; returns how many. */
size_t wire_send(const void *data, size_t length);

/* Sends a whole message; ' stands for ". */
void wire_call(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The caller sends no more, or is gone. */
void wire_half_close(void);
void wire_hang_up(void);

/* Lets the agent serve the connection. With CONN_CLOSE its end is closed, as a worker does. */
enum conn_wait wire_serve(void);
enum conn_wait wire_serve_last(void);

/* Takes what the agent has sent, at most `max` bytes. Returns how much that was. */
size_t wire_receive(size_t max);

/* The next whole reply, or NULL. */
const char *wire_reply(void);

/* Whether the next reply has this part, in which ' stands for "; says so where it has not. */
bool wire_replied(const char *part);

/* Whether nothing is there, not even a part of a reply. */
bool wire_silent(void);

/* Whether nothing is there and the agent has closed. */
bool wire_closed(void);

#endif
