/* The header stands alone in C99, also twice. */
#include <mudi/pos.h>

int header_in_c(void);

int header_in_c(void) {
    mudi* pos = NULL;
    mudi_config config = {sizeof config, 0, NULL, NULL, NULL, NULL, NULL};
    if (mudi_abi() != MUDI_ABI || mudi_open(&config, &pos) != MUDI_OK) return 1;
    mudi_close(pos);
    return 0;
}
