/* What a test takes as given: a configuration with profiles, and a service that runs on it. The
 * files lie in the scratch folder. No module is ever loaded, so no key is ready by itself. */
#ifndef HINTSIGN_TESTS_GIVEN_H
#define HINTSIGN_TESTS_GIVEN_H

#include "agent/serve.h"

/* Members that every profile has; a test's own follow behind it. */
#define GIVEN_PROFILE "'version':1,'key':'pkcs11:object=k','algorithm':'HS256'"

/* Writes the profile of that name; the text is JSON in which ' stands for ". */
void given_profile(const char *name, const char *text);

/* Writes an agent.json if there is none yet and loads it with the profiles, their keys bound to a
 * token that is down. To be given back with conf_unref. */
struct conf *given_conf(void);

/* The same as a service, with its audit log in "audit.jsonl". End it with given_end. */
struct service *given_service(void);
void given_end(struct service *service);

/* Reads the configuration again and gives it to the service, as a reload does. */
void given_reload(struct service *service);

#endif
