#define INFINITY __builtin_inff()
#define isnan(number) __builtin_isnan(number)
#define fabs(number) __builtin_fabs(number)
