/*
 * dialect_traits.c: prints what the library itself knows of each dialect, a line each, as name=value. The TAP tests
 * choose by it what they do (test/tap/LprDialect.pm), so that no fact of the product is written down twice.
 */
#include <stdio.h>

#include "dialect/dialect.h"

#define FLAG(name) printf(" " #name "=%d", d->name)

int
main(void)
{
	for (int i = 0; lpr_dialects[i] != NULL; i++)
	{
		const LprDialect *d = lpr_dialects[i];

		printf("%s plate=%d location=%d vehicle=%d", d->name, (d->modes & LPR_MODE_PLATE) != 0,
			   (d->modes & LPR_MODE_LOCATION) != 0, (d->modes & LPR_MODE_VEHICLE) != 0);
		FLAG(takes_region);
		FLAG(takes_near);
		FLAG(takes_address);
		FLAG(takes_vehicle);
		FLAG(orders);
		FLAG(newest_only);
		FLAG(plates_per_leg);
		FLAG(page_size);
		FLAG(signs_in);
		FLAG(wants_client_id);
		FLAG(fetches_cameras);
		FLAG(needs_register);
		FLAG(by_camera);
		printf("\n");
	}
	return 0;
}
