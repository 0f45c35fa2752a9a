-- What version 0.2.0 has otherwise, and no topic can bring about by itself.

-- lpr_member has it from now on, and they have it as members of that.
REVOKE USAGE ON SCHEMA lpr
    FROM lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin,
         lpr_training_officer, lpr_lead, lpr_records_officer;

