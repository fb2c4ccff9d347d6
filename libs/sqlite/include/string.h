#include <stddef.h>
int memcmp(const void *a, const void *b, size_t len);
void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
void *memchr(const void *block, int byte, size_t len);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t len);
char *strchr(const char *text, int byte);
char *strrchr(const char *text, int byte);
size_t strlen(const char *text);
size_t strspn(const char *text, const char *set);
size_t strcspn(const char *text, const char *set);
