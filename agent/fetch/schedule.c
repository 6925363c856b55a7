/* Decides when an issuer is fetched next. */
#include "config.h"
#include "agent/fetch/schedule.h"
#include "agent/fetch/http.h"

long schedule_refresh(long max_age, long max_stale)
{
    long seconds = max_stale / 4;
    if (max_age != HTTP_MAX_AGE_UNSAID && max_age < seconds)
        seconds = max_age;
    return seconds > SCHEDULE_REFRESH_MIN ? seconds : SCHEDULE_REFRESH_MIN;
}

long schedule_retry(unsigned failures, long max_stale, uint32_t random)
{
    long most = schedule_refresh(HTTP_MAX_AGE_UNSAID, max_stale);
    long seconds = SCHEDULE_RETRY_FIRST;
    for (unsigned i = 1; i < failures && seconds < most; i++)
        seconds *= 2;
    if (seconds > most)
        seconds = most;
    return seconds - (long)(random % ((uint32_t)(seconds / 2) + 1));
}
