typedef long time_t;
