/*
 * control: what the tests ask of the simulator itself: the log, the faults, the truth, cameras, plates and settings.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "vendor.h"

static void
fail(struct reply *rp, int status, const char *message)
{
	rp->status = status;
	rp->body.len = 0;
	buf_str(&rp->body, "{\"error\":");
	buf_json(&rp->body, message);
	buf_str(&rp->body, "}\n");
}

static void
cameras(struct request *rq, struct reply *rp)
{
	const char *comma = "";

	buf_str(&rp->body, "[");
	for (int i = 0; i < world.n_cameras; i++)
	{
		const struct camera *c = &world.cameras[i];

		if (!rq->vendor->sees[i])
			continue;
		buf_fmt(&rp->body, "%s{\"id\":\"%s\",\"number\":%d,\"name\":", comma, c->id, c->number);
		buf_json(&rp->body, c->name);
		if (c->kind == CAMERA_UNKNOWN)
			buf_str(&rp->body, ",\"latitude\":null,\"longitude\":null");
		else
			buf_fmt(&rp->body, ",\"latitude\":%.6f,\"longitude\":%.6f", c->latitude, c->longitude);
		buf_str(&rp->body, ",\"address\":");
		buf_json_or_null(&rp->body, c->address);
		buf_str(&rp->body, ",\"owner\":");
		buf_json_or_null(&rp->body, c->owner);
		buf_fmt(&rp->body, ",\"type\":\"%s\",\"region\":", c->type);
		buf_json_or_null(&rp->body, c->region);
		buf_str(&rp->body, ",\"country\":");
		buf_json_or_null(&rp->body, c->country);
		buf_fmt(&rp->body, ",\"port_of_entry\":%s}", c->kind == CAMERA_PORT ? "true" : "false");
		comma = ",\n";
	}
	buf_str(&rp->body, "]\n");
}

static void
write_plate(struct buf *out, const struct vehicle *v)
{
	buf_fmt(out, "\"plate\":\"%s\",\"region\":\"%s\",\"make\":\"%s\",\"model\":\"%s\",\"color\":\"%s\"", v->plate,
			v->region, vehicle_models[v->model][0], vehicle_models[v->model][1], vehicle_colors[v->color]);
}

static bool
is_of_kind(const struct vehicle *v, const char *kind)
{
	if (strcmp(kind, "lookalike") == 0)
		return v->kind == VEHICLE_LOOKALIKE;
	if (strcmp(kind, "twin") == 0)
		return v->kind == VEHICLE_TWIN;
	if (v->kind != VEHICLE_PLAIN)
		return false;
	return (strcmp(kind, "commuter") == 0 && v->habit == HABIT_COMMUTER) ||
		   (strcmp(kind, "border") == 0 && v->habit == HABIT_BORDER) ||
		   (strcmp(kind, "long_haul") == 0 && v->habit == HABIT_LONG_HAUL) ||
		   (strcmp(kind, "occasional") == 0 && v->habit == HABIT_OCCASIONAL);
}

static void
plates(struct request *rq, struct reply *rp)
{
	const char *kind = request_arg(rq, "kind");
	const char *text = request_arg(rq, "n");
	int n = text ? atoi(text) : 5;
	const char *comma = "";

	buf_str(&rp->body, "[");
	/* The story has its own, from vehicle 4 on; of a pair only the first is listed, the second is its partner. */
	for (int i = 4; i < world.n_vehicles && n > 0; i++)
	{
		const struct vehicle *v = &world.vehicles[i];

		if (!is_of_kind(v, kind ? kind : "commuter") || (v->partner >= 0 && v->partner < i))
			continue;
		buf_fmt(&rp->body, "%s{", comma);
		write_plate(&rp->body, v);
		if (v->partner >= 0)
		{
			buf_str(&rp->body, ",\"partner\":{");
			write_plate(&rp->body, &world.vehicles[v->partner]);
			buf_str(&rp->body, "}");
		}
		buf_str(&rp->body, "}");
		comma = ",\n";
		n--;
	}
	buf_str(&rp->body, "]\n");
}

static void
faults_post(struct request *rq, struct reply *rp)
{
	struct json_object *spec = request_json(rq);
	const char *message = NULL;

	if (json_object_is_type(spec, json_type_array))
	{
		for (size_t i = 0; i < json_object_array_length(spec) && message == NULL; i++)
			message = fault_add(json_object_array_get_idx(spec, i));
	}
	else
		message = fault_add(spec);
	json_object_put(spec);
	if (message != NULL)
		fail(rp, 400, message);
	else
		buf_str(&rp->body, "{\"ok\":true}\n");
}

static void
settings_post(struct request *rq, struct reply *rp)
{
	struct json_object *spec = request_json(rq);
	const char *wrong = NULL;

	if (!json_object_is_type(spec, json_type_object))
		wrong = "settings are a JSON object";
	else
	{
		json_object_object_foreach(spec, key, value)
		{
			long number = (long) json_object_get_int64(value);

			if (strcmp(key, "token_seconds") == 0)
				settings.token_seconds = number;
			else if (strcmp(key, "verkada_per_minute") == 0)
				settings.verkada_per_minute = number;
			else if (strcmp(key, "flock_per_second") == 0)
				settings.flock_per_second = number;
			else if (strcmp(key, "image_seconds") == 0)
				settings.image_seconds = number;
			else if (strcmp(key, "forget_tokens") == 0)
				tokens_forget();
			else
				wrong = "unknown setting";
		}
	}
	json_object_put(spec);
	if (wrong != NULL)
		fail(rp, 400, wrong);
	else
		buf_fmt(&rp->body, "{\"token_seconds\":%ld,\"verkada_per_minute\":%ld,\"image_seconds\":%ld}\n",
				(long) settings.token_seconds, (long) settings.verkada_per_minute, (long) settings.image_seconds);
}

static void
uploads_post(struct request *rq, struct reply *rp)
{
	struct json_object *spec = request_json(rq);
	size_t n = json_object_is_type(spec, json_type_array) ? json_object_array_length(spec) : 1;
	const char *message = NULL;

	buf_str(&rp->body, "{\"ids\":[");
	for (size_t i = 0; i < n && message == NULL; i++)
	{
		bool array = json_object_is_type(spec, json_type_array);
		uint64_t id = 0;

		message = upload_add(array ? json_object_array_get_idx(spec, i) : spec, &id);
		buf_fmt(&rp->body, "%s\"%016llx\"", i > 0 ? "," : "", (unsigned long long) id);
	}
	buf_str(&rp->body, "]}\n");
	json_object_put(spec);
	if (message != NULL)
		fail(rp, 400, message);
}

static bool
route(const struct request *rq, const char *method, const char *path)
{
	return strcmp(rq->method, method) == 0 && strcmp(rq->rest, path) == 0;
}

void
control_answer(struct request *rq, struct reply *rp)
{
	const char *vendor = request_arg(rq, "vendor");
	const char *since = request_arg(rq, "since");

	rp->type = "application/json";
	if (route(rq, "GET", "/log"))
		log_list(&rp->body, vendor, request_arg(rq, "class"), since ? atoll(since) : 0);
	else if (route(rq, "DELETE", "/log") || route(rq, "DELETE", "/faults") || route(rq, "DELETE", "/uploads"))
	{
		if (strcmp(rq->rest, "/log") == 0)
			log_clear();
		else if (strcmp(rq->rest, "/uploads") == 0)
			uploads_forget();
		else
			faults_clear();
		buf_str(&rp->body, "{\"ok\":true}\n");
	}
	else if (route(rq, "POST", "/faults"))
		faults_post(rq, rp);
	else if (route(rq, "POST", "/uploads"))
		uploads_post(rq, rp);
	else if (route(rq, "POST", "/settings"))
		settings_post(rq, rp);
	else if (route(rq, "GET", "/plates"))
		plates(rq, rp);
	else if (!route(rq, "GET", "/truth") && !route(rq, "GET", "/reads") && !route(rq, "GET", "/cameras"))
		fail(rp, 404, "no such control");
	else if (vendor == NULL || strlen(vendor) >= sizeof(rq->vendor->name) || (rq->vendor = vendor_of(vendor)) == NULL)
		fail(rp, 400, "which vendor?");
	else if (strcmp(rq->rest, "/truth") == 0)
		truth_answer(rq, rp);
	else if (strcmp(rq->rest, "/reads") == 0)
		reads_answer(rq, rp);
	else
		cameras(rq, rp);
}
