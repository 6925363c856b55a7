/* A PKCS#11 module for tests: SoftHSM2 (STRANGE_MODULE), but with the habits that the words in
 * STRANGE ask for. Each is a row of `habits` below. */
#include "config.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VALUE_MAX 256
#define MASK      0x5a
#define HASH_LEN  32 /* bytes, of SHA-256 */

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST strange;
static unsigned created;

/* The second half of the last value that came in: the allocator overwrites the beginning of what
 * is freed. Masked, because the copy must not be found itself. */
static unsigned char masked[VALUE_MAX];
static size_t masked_len;

static bool has_habit(const char *word)
{
    const char *words = getenv("STRANGE");
    const char *found = words ? strstr(words, word) : NULL;
    return found && (found[strlen(word)] == ',' || found[strlen(word)] == '\0');
}

/* STRANGE_REFUSES has attribute types that no template may have, as "0x106,0x107". */
static bool refuses(CK_ATTRIBUTE_TYPE type)
{
    const char *list = getenv("STRANGE_REFUSES");
    while (list && *list) {
        char *end;
        if (strtoul(list, &end, 0) == type)
            return true;
        list = *end == ',' ? end + 1 : NULL;
    }
    return false;
}

static CK_RV judge(const CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        if (refuses(attributes[i].type))
            return has_habit("general-error") ? CKR_GENERAL_ERROR : CKR_ATTRIBUTE_TYPE_INVALID;
        if (attributes[i].type == CKA_KEY_TYPE && has_habit("no-generic-secret") &&
            *(CK_KEY_TYPE *)attributes[i].pValue == CKK_GENERIC_SECRET)
            return CKR_TEMPLATE_INCONSISTENT;
    }
    return CKR_OK;
}

static void remember(const CK_ATTRIBUTE *value)
{
    size_t half = value->ulValueLen / 2;
    masked_len = value->ulValueLen - half;
    if (masked_len > VALUE_MAX)
        masked_len = VALUE_MAX;
    for (size_t i = 0; i < masked_len; i++)
        masked[i] = ((const unsigned char *)value->pValue)[half + i] ^ MASK;
}

/* What the real module is told instead of what the caller wrote. */
static const struct habit {
    const char *word;
    CK_ATTRIBUTE_TYPE type;
    CK_BBOOL value;
} habits[] = {
    {"extractable", CKA_EXTRACTABLE, CK_TRUE},
    {"wraps", CKA_WRAP, CK_TRUE},
    {"public", CKA_PRIVATE, CK_FALSE},
};

static void twist(CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        if (attributes[i].type == CKA_VALUE)
            remember(&attributes[i]);
        for (size_t k = 0; k < sizeof habits / sizeof habits[0]; k++)
            if (attributes[i].type == habits[k].type && has_habit(habits[k].word))
                attributes[i].pValue = (void *)&habits[k].value;
    }
}

static CK_RV create_object(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count,
                           CK_OBJECT_HANDLE *handle)
{
    CK_RV rv = judge(attributes, count);
    if (rv != CKR_OK)
        return rv;
    created++;
    if ((created == 2 && has_habit("second-fails")) || (created == 3 && has_habit("third-fails")))
        return CKR_DEVICE_ERROR;
    if (created == 1 && has_habit("interrupted"))
        kill(getpid(), SIGTERM);
    CK_ATTRIBUTE *copy = calloc(count, sizeof *copy);
    if (!copy)
        return CKR_HOST_MEMORY;
    memcpy(copy, attributes, count * sizeof *copy);
    twist(copy, count);
    rv = real->C_CreateObject(session, copy, count, handle);
    free(copy);
    return rv;
}

static CK_RV generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                               CK_ATTRIBUTE *public, CK_ULONG public_count, CK_ATTRIBUTE *private,
                               CK_ULONG private_count, CK_OBJECT_HANDLE *public_handle,
                               CK_OBJECT_HANDLE *private_handle)
{
    CK_RV rv = judge(public, public_count);
    if (rv == CKR_OK)
        rv = judge(private, private_count);
    if (rv != CKR_OK)
        return rv;
    return real->C_GenerateKeyPair(session, mechanism, public, public_count, private, private_count,
                                   public_handle, private_handle);
}

static CK_RV unwrap_key(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                        CK_BYTE *wrapped, CK_ULONG length, CK_ATTRIBUTE *attributes, CK_ULONG count,
                        CK_OBJECT_HANDLE *handle)
{
    CK_RV rv = judge(attributes, count);
    if (rv != CKR_OK)
        return rv;
    return real->C_UnwrapKey(session, mechanism, key, wrapped, length, attributes, count, handle);
}

static CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle)
{
    if (has_habit("destroy-fails"))
        return CKR_FUNCTION_FAILED;
    return real->C_DestroyObject(session, handle);
}

static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                                 CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    if (count == 1 && attributes[0].type == CKA_VALUE && has_habit("readable")) {
        attributes[0].ulValueLen = 1;
        return CKR_OK;
    }
    CK_RV rv = real->C_GetAttributeValue(session, handle, attributes, count);
    for (CK_ULONG i = 0; i < count; i++)
        if (attributes[i].type == CKA_VALUE_LEN && has_habit("hash-length"))
            *(CK_ULONG *)attributes[i].pValue = HASH_LEN;
    return rv;
}

static bool region_has_value(const char *begin, const char *end)
{
    for (const char *p = begin; p + masked_len <= end; p++) {
        size_t same = 0;
        while (same < masked_len && ((unsigned char)p[same] ^ MASK) == masked[same])
            same++;
        if (same == masked_len)
            return true;
    }
    return false;
}

/* Writes the writable regions of memory that have the value into the file STRANGE_FOUND. */
static void search_memory(void)
{
    const char *path = getenv("STRANGE_FOUND");
    FILE *maps = path && masked_len ? fopen("/proc/self/maps", "re") : NULL;
    FILE *found = maps ? fopen(path, "we") : NULL;
    char line[512];
    while (found && fgets(line, sizeof line, maps)) {
        unsigned long begin, end;
        char mode[5];
        if (sscanf(line, "%lx-%lx %4s", &begin, &end, mode) != 3 || strncmp(mode, "rw", 2) != 0)
            continue;
        if (region_has_value((const char *)begin, (const char *)end))
            fputs(line, found);
    }
    if (found) {
        fputs("searched\n", found);
        fclose(found);
    }
    if (maps)
        fclose(maps);
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *session)
{
    if (!(flags & CKF_RW_SESSION) && has_habit("read-write-only"))
        return CKR_FUNCTION_FAILED;
    return real->C_OpenSession(slot, flags, application, notify, session);
}

static CK_RV finalize(void *reserved)
{
    CK_RV rv = real->C_Finalize(reserved);
    search_memory();
    return rv;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    const char *path = getenv("STRANGE_MODULE");
    void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get = NULL;
    if (module)
        *(void **)&get = dlsym(module, "C_GetFunctionList");
    if (!get || get(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    strange = *real;
    strange.C_GetFunctionList = C_GetFunctionList;
    strange.C_CreateObject = create_object;
    strange.C_GenerateKeyPair = generate_key_pair;
    strange.C_UnwrapKey = unwrap_key;
    strange.C_DestroyObject = destroy_object;
    strange.C_GetAttributeValue = get_attribute_value;
    strange.C_OpenSession = open_session;
    strange.C_Finalize = finalize;
    *list = &strange;
    return CKR_OK;
}
