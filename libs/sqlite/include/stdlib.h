#include <stddef.h>
void *malloc(size_t len);
void *realloc(void *block, size_t len);
void free(void *block);
