/*
 * places: the towns, ports of entry and towns abroad where the cameras of the simulator stand.
 */
#ifndef LPR_VENDOR_PLACES_H
#define LPR_VENDOR_PLACES_H

struct place
{
	const char *name;
	const char *region;
	const char *country;
	double latitude;
	double longitude;
	double spread; /* degrees that a camera may stand off the point, chosen so that it stays on land */
	int cameras;
	int port; /* 1 + number of the port of entry that this place belongs to, on either side; 0: none */
};

extern const struct place places[];
extern const int n_towns;  /* the first ones are towns of the United States */
extern const int n_ports;  /* then the ports of entry */
extern const int n_places; /* then abroad */

#endif /* LPR_VENDOR_PLACES_H */
